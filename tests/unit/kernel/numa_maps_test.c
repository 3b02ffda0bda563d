/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/numa_maps.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

#define HUGE (16ul << 20)

static struct map *map_add(struct maps *maps, struct map *map, uint64_t start)
{
	map->start = start;
	map->end = start + 0x1000;
	maps->n++;
	return map;
}

TEST(each_area_has_as_many_pages_of_its_own_as_numa_maps_says)
{
	struct map at[5] = {0};
	struct maps maps = {.at = at};

	map_add(&maps, &at[0], 0x10000)->anon_kb = 4;
	map_add(&maps, &at[1], 0x20000);
	map_add(&maps, &at[2], 0x7f0000000000);
	map_add(&maps, &at[3], 0x7f0000400000)->anon_kb = 8;
	map_add(&maps, &at[4], 0x7fff00000000)->anon_kb = 12;
	numa_maps_scan(
		"00010000 default file=/a\\040anon=7 mapped=3 N0=3\n"
		"00015000 default anon=9 dirty=9 N0=9\n"
		"7f0000000000 prefer:0 anon=512 dirty=512 active=0 N0=512\n"
		"7f0000400000 default anon=1 dirty=1 N0=1\n"
		"an odd line anon=3\n",
		4096, &maps);
	CHECK_INT(at[0].anon_kb, 4);
	CHECK_INT(at[1].anon_kb, 0);
	CHECK_INT(at[2].anon_kb, 2048);
	CHECK_INT(at[3].anon_kb, 8);
	CHECK_INT(at[4].anon_kb, 12);
}

/* The smaps of 6.1 says 0. */
TEST(huge_pages_without_access_are_counted)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	struct maps maps = {0};
	const struct map *map;
	char *at = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *aligned;

	REQUIRE(at != MAP_FAILED);
	aligned = at + HUGE - (uintptr_t)at % HUGE;
	madvise(aligned, HUGE, MADV_HUGEPAGE);
	memset(aligned, 1, HUGE);
	REQUIRE(!mprotect(aligned, HUGE, PROT_NONE));
	REQUIRE(!proc_open(getpid(), &self, ERR_UNREAD));
	REQUIRE(!maps_read(arena, &self, &maps, ERR_UNREAD));
	CHECK_INT(numa_maps_add(&self, &maps, ERR_UNREAD), 0);
	map = maps_find(&maps, (uintptr_t)aligned);
	REQUIRE(map);
	CHECK_INT(map->anon_kb, HUGE >> 10);
	munmap(at, 2 * HUGE);
}
