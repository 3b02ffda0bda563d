/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "test.h"

TEST(arena_pieces_are_zeroed_aligned_and_apart)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	static const char zeros[200];

	for (size_t size = 1; size < sizeof(zeros); size++) {
		char *piece = arena_alloc(arena, size);

		CHECK_INT((uintptr_t)piece % 16, 0);
		CHECK_MEM(piece, zeros, size);
		memset(piece, 0xff, size);
	}
}

TEST(arena_serves_pieces_larger_than_a_chunk)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	char *small = arena_alloc(arena, 10), *big, *next;

	memset(small, 1, 10);
	big = arena_alloc(arena, 1 << 20);
	memset(big, 2, 1 << 20);
	next = arena_alloc(arena, 10);
	CHECK_INT(next[0], 0);
	CHECK_INT(small[9], 1);
	/* A big piece must not waste the rest of the chunk in use. */
	CHECK_INT(next - small, 16);
}

TEST(arena_grow_keeps_the_bytes_and_zeroes_the_rest)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	char *old = arena_copy(arena, "abc", 3);
	char *grown = arena_grow(arena, old, 3, 6);

	CHECK_MEM(grown, "abc\0\0\0", 6);
	CHECK_MEM(old, "abc", 3);
	CHECK(arena_grow(arena, NULL, 0, 5) != NULL);
}

TEST(arena_printf_makes_texts_of_any_length)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	char *text = arena_printf(arena, "%d-%0500d", 7, 1);

	CHECK_INT(strlen(text), 502);
	CHECK_INT(text[501], '1');
	CHECK_STR(arena_strdup(arena, "copy"), "copy");
	CHECK_STR(arena_printf(arena, "%s", ""), "");
}

TEST(arena_free_takes_no_arena)
{
	arena_free(NULL);
	CHECK(1);
}
