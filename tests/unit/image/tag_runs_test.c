/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <string.h>

#include "image/tag_runs.h"

static struct tag_runs packed(
	struct arena *arena, const uint8_t *tags, size_t n, size_t piece)
{
	struct tag_runs runs = {0};

	for (size_t i = 0; i < n; i += piece)
		tag_runs_add(
			arena, &runs, tags + i, n - i < piece ? n - i : piece);
	tag_runs_end(arena, &runs);
	return runs;
}

static void check_same(
	const struct tag_runs *runs, const uint8_t *tags, size_t n)
{
	struct tag_run run;
	size_t at = 0, i = 0;

	while (at < runs->bytes.n) {
		CHECK(tag_runs_next(runs->bytes.at, runs->bytes.n, &at, &run));
		CHECK(run.length <= n - i);
		for (uint64_t k = 0; k < run.length; k++)
			CHECK_INT(tags[i + k], run.tag);
		i += run.length;
	}
	CHECK_INT(i, n);
}

TEST(tags_come_back_from_runs_whatever_the_pieces_were)
{
	struct arena *arena = arena_new();
	uint8_t tags[5000];
	struct tag_runs runs;
	uint32_t seed = 7;

	for (size_t i = 0; i < sizeof(tags); i++) {
		seed = seed * 1103515245 + 12345;
		tags[i] = i % 1000 < 300 ? (uint8_t)(seed >> 28)
					 : (uint8_t)(i / 1000);
	}
	for (size_t piece = 1; piece < 5001; piece = piece * 3 + 1) {
		runs = packed(arena, tags, sizeof(tags), piece);
		CHECK(runs.tagged);
		check_same(&runs, tags, sizeof(tags));
	}
	arena_free(arena);
}

TEST(equal_tags_take_few_bytes)
{
	static const uint8_t small[] = {3, 3, 3, 3, 3, 3, 3};
	struct arena *arena = arena_new();
	uint8_t *page = arena_alloc(arena, 1 << 20);
	struct tag_runs runs = packed(arena, small, sizeof(small), 7);

	CHECK_INT(runs.bytes.n, 1);
	CHECK_INT(runs.bytes.at[0], 7 << 4 | 3);
	memset(page, 15, 1 << 20);
	CHECK_INT(packed(arena, page, 256, 256).bytes.n, 2);
	CHECK_INT(packed(arena, page, 1 << 20, 4096).bytes.n, 4);
	memset(page, 0, 256);
	CHECK(!packed(arena, page, 256, 256).tagged);
	CHECK_INT(packed(arena, page, 0, 1).bytes.n, 0);
	arena_free(arena);
}

TEST(bytes_that_are_no_run_are_told)
{
	static const uint8_t cut[] = {0x80}, empty[] = {0x05},
			     endless[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				     0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
	struct tag_run run;
	size_t at = 0;

	CHECK(!tag_runs_next(cut, sizeof(cut), &at, &run));
	CHECK(!tag_runs_next(empty, sizeof(empty), &at, &run));
	CHECK(!tag_runs_next(endless, sizeof(endless), &at, &run));
	CHECK(!tag_runs_next(cut, 0, &at, &run));
	CHECK_INT(at, 0);
}
