/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/index.h"

#include "test.h"

TEST(index_finds_what_was_put_there_and_nothing_else)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct index index = {0};
	static int things[5000];

	CHECK(!index_get(&index, 0));
	for (uint64_t i = 0; i < 5000; i++)
		*index_slot(arena, &index, i * 7) = &things[i];
	CHECK_INT(index.n, 5000);
	for (uint64_t i = 0; i < 5000; i++) {
		CHECK(index_get(&index, i * 7) == &things[i]);
		CHECK(!index_get(&index, i * 7 + 3));
	}
	CHECK(!index_get(&index, UINT64_MAX));
}

TEST(index_gives_the_same_place_again)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct index index = {0};
	int one, other;

	*index_slot(arena, &index, UINT64_MAX) = &one;
	CHECK(*index_slot(arena, &index, UINT64_MAX) == &one);
	*index_slot(arena, &index, UINT64_MAX) = &other;
	CHECK(index_get(&index, UINT64_MAX) == &other);
	*index_slot(arena, &index, UINT64_MAX) = NULL;
	CHECK(!index_get(&index, UINT64_MAX));
	CHECK_INT(index.n, 1);
}

/* Keys of one remainder, as addresses and inodes may be. */
TEST(index_takes_keys_that_are_much_alike)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct index index = {0};
	static int thing;

	for (uint64_t i = 0; i < 20000; i++)
		*index_slot(arena, &index, i << 32) = &thing;
	for (uint64_t i = 0; i < 20000; i++)
		CHECK(index_get(&index, i << 32) == &thing);
	CHECK(!index_get(&index, 1));
}
