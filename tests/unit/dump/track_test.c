/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/track.h"

#include <unistd.h>

#include "kernel/pagemap.h"
#include "test.h"

enum { PAGE = 4096 };

/* Pages 1..2, 3..4 (another file), and 8; 10 is elsewhere. */
static struct source_piece pieces[] = {
	{1 * PAGE, 2, PAGES_PRESENT, 0, 0},
	{3 * PAGE, 2, PAGES_PRESENT, 1, 0},
	{8 * PAGE, 1, PAGES_PRESENT, 0, 2 * PAGE},
	{10 * PAGE, 1, PAGES_LAZY, SOURCE_ELSEWHERE, 0},
};
static const struct source parent = {
	.page_size = PAGE, .pieces = pieces, .n = 4};

/* In pages: "+1-3" is there up to 3, "-" not. */
static void there_check(uint64_t from, uint64_t end, bool there, uint64_t stop)
{
	bool said;

	CHECK_INT(track_there(&parent, from * PAGE, end * PAGE, &said),
		stop * PAGE);
	CHECK_INT(said, there);
}

TEST(what_the_parent_has_is_told_piece_by_piece)
{
	there_check(1, 2, true, 2);
	there_check(1, 5, true, 5);
	there_check(1, 9, true, 5);
	there_check(2, 4, true, 4);
	there_check(5, 9, false, 8);
	there_check(5, 7, false, 7);
	there_check(0, 1, false, 1);
	there_check(0, 5, false, 1);
	there_check(8, 20, true, 9);
	there_check(9, 20, false, 20);
	there_check(10, 11, false, 11);
	there_check(30, 40, false, 40);
}

TEST(a_walk_over_any_range_ends_and_covers_it)
{
	bool there;

	for (uint64_t from = 0; from < 14; from++)
		for (uint64_t end = from + 1; end < 15; end++) {
			uint64_t at = from * PAGE, stop;

			for (int steps = 0; at < end * PAGE; at = stop) {
				stop = track_there(
					&parent, at, end * PAGE, &there);
				REQUIRE(stop > at && stop <= end * PAGE);
				REQUIRE(++steps < 10);
			}
		}
}

TEST(only_what_is_surely_unchanged_counts_as_clean)
{
	struct task task = {.index = 0};
	struct victim victim = {.task = &task};
	struct track_victim tv = {.parent = &parent};
	struct track track = {.how = TRACK_UFFD, .victims = &tv};
	struct map map = {.tracked = true};
	uint32_t there = PAGEMAP_PRESENT;

	CHECK(track_is_clean(&track, &victim, &map, there));
	CHECK(!track_is_clean(&track, &victim, &map, there | PAGEMAP_WRITTEN));
	CHECK(track_is_clean(
		&track, &victim, &map, there | PAGEMAP_SOFT_DIRTY));
	map.tracked = false;
	CHECK(!track_is_clean(&track, &victim, &map, there));
	track.how = TRACK_SOFT_DIRTY;
	CHECK(track_is_clean(&track, &victim, &map, there | PAGEMAP_WRITTEN));
	CHECK(!track_is_clean(
		&track, &victim, &map, there | PAGEMAP_SOFT_DIRTY));
	tv.parent = NULL;
	CHECK(!track_is_clean(&track, &victim, &map, there));
	tv.remote = true;
	CHECK(track_is_clean(&track, &victim, &map, there));
}

TEST(a_process_that_started_later_is_another_one)
{
	long ticks = sysconf(_SC_CLK_TCK);
	struct parent then = {.has_uptime = true, .uptime_us = 5000000};

	CHECK(parent_knows(&then, (uint64_t)(5 * ticks) - 1));
	CHECK(!parent_knows(&then, (uint64_t)(5 * ticks)));
	CHECK(!parent_knows(&then, (uint64_t)(6 * ticks)));
	then.other_boot = true;
	CHECK(!parent_knows(&then, 1));
	then = (struct parent){0};
	CHECK(!parent_knows(&then, 1));
}
