/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/pagemap.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "kernel/features.h"
#include "kernel/memory.h"
#include "test.h"

/* What is steady of a page: the rest depends on history and kernel. */
enum {
	LOOKED_AT = PAGEMAP_PRESENT | PAGEMAP_SWAPPED | PAGEMAP_FILE |
		    PAGEMAP_PFNZERO | PAGEMAP_GUARD,
};

static uint32_t flags_at(const struct pagemap_regions *regions, uint64_t addr)
{
	for (size_t i = 0; i < regions->n; i++) {
		if (regions->at[i].start <= addr && addr < regions->at[i].end)
			return regions->at[i].flags & LOOKED_AT;
	}
	return 0;
}

TEST(words_are_read_bit_by_bit)
{
	const uint64_t present = 1ull << 63, clean = 1ull << 57;

	CHECK_INT(pagemap_word_flags(0, 5), 0);
	CHECK_INT(pagemap_word_flags(1ull << 61, 5), 0);
	CHECK_INT(pagemap_word_flags(present | clean | 4, 5), PAGEMAP_PRESENT);
	CHECK_INT(pagemap_word_flags(present | 4, 5),
		PAGEMAP_PRESENT | PAGEMAP_WRITTEN);
	CHECK_INT(pagemap_word_flags(present | clean | 5, 5),
		PAGEMAP_PRESENT | PAGEMAP_PFNZERO);
	CHECK_INT(pagemap_word_flags(present | clean, 0), PAGEMAP_PRESENT);
	CHECK_INT(
		pagemap_word_flags(1ull << 62 | clean | 5, 5), PAGEMAP_SWAPPED);
	CHECK_INT(pagemap_word_flags(
			  present | clean | 1ull << 61 | 1ull << 55, 5),
		PAGEMAP_PRESENT | PAGEMAP_FILE | PAGEMAP_SOFT_DIRTY);
	CHECK_INT(
		pagemap_word_flags(1ull << 62 | 1ull << 58, 5), PAGEMAP_GUARD);
}

enum { PAGES = 8 };

struct area {
	char *start;
	uint64_t page;
	struct map map;
};

/* 0 written, 1 read, 2 never touched, 3-4 written, 5 guard, 6 -, 7 read. */
static struct area area_make(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct area area = {.page = page};

	area.start = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(area.start, PAGES * page, MADV_NOHUGEPAGE);
	area.start[0] = 1;
	(void)*(volatile char *)(area.start + page);
	memset(area.start + 3 * page, 1, 2 * page);
	madvise(area.start + 5 * page, page, 102);
	(void)*(volatile char *)(area.start + 7 * page);
	area.map.start = (uintptr_t)area.start;
	area.map.end = area.map.start + PAGES * page;
	return area;
}

static void check_area(const struct area *area,
	const struct pagemap_regions *regions, const struct pagemap *pagemap,
	struct kernel_features *features)
{
	uint32_t zero =
		pagemap->scan || pagemap->zero_pfn ? PAGEMAP_PFNZERO : 0;
	uint64_t at = area->map.start, page = area->page;

	CHECK_INT(flags_at(regions, at), PAGEMAP_PRESENT);
	CHECK_INT(flags_at(regions, at + page), PAGEMAP_PRESENT | zero);
	CHECK_INT(flags_at(regions, at + 2 * page), 0);
	CHECK_INT(flags_at(regions, at + 3 * page), PAGEMAP_PRESENT);
	CHECK_INT(flags_at(regions, at + 4 * page), PAGEMAP_PRESENT);
	CHECK_INT(flags_at(regions, at + 6 * page), 0);
	CHECK_INT(flags_at(regions, at + 7 * page), PAGEMAP_PRESENT | zero);
	if (pagemap->guard && features_have(features, FEATURE_GUARD_REGIONS))
		CHECK_INT(flags_at(regions, at + 5 * page), PAGEMAP_GUARD);
	for (size_t i = 0; i < regions->n; i++) {
		CHECK(regions->at[i].start < regions->at[i].end);
		CHECK(!i || regions->at[i - 1].end <= regions->at[i].start);
	}
}

TEST(pages_are_told_apart_by_the_scan)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	_cleanup_pagemap_ struct pagemap pagemap = PAGEMAP_CLOSED;
	struct kernel_features features = {0};
	struct pagemap_regions regions = {0};
	struct area area = area_make();
	struct err err = {0};

	REQUIRE(!proc_open(getpid(), &self, &err));
	REQUIRE(!pagemap_open(&self, &pagemap, &err));
	CHECK_INT(pagemap_scan(arena, &pagemap, area.map.start, area.map.end,
			  &regions, &err),
		0);
	CHECK_STR(err.text, "");
	check_area(&area, &regions, &pagemap, &features);
	CHECK(regions.n <= 6);
	munmap(area.start, PAGES * area.page);
}

/* The kernel's guard bit is in the words since 6.15, as in the scan. */
TEST(pages_are_told_apart_by_words_in_the_same_way)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	_cleanup_pagemap_ struct pagemap pagemap = PAGEMAP_CLOSED;
	struct kernel_features features = {0};
	struct pagemap_regions regions = {0};
	struct area area = area_make();
	struct err err = {0};

	REQUIRE(!proc_open(getpid(), &self, &err));
	REQUIRE(!pagemap_open(&self, &pagemap, &err));
	pagemap_prefer_words(&pagemap);
	CHECK(!pagemap.scan);
	CHECK(pagemap.zero_pfn || geteuid());
	CHECK_INT(pagemap_scan_maps(
			  arena, &pagemap, &area.map, 1, NULL, &regions, &err),
		0);
	CHECK_STR(err.text, "");
	check_area(&area, &regions, &pagemap, &features);
	munmap(area.start, PAGES * area.page);
}

TEST(regions_end_at_the_borders_of_areas)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	_cleanup_pagemap_ struct pagemap pagemap = PAGEMAP_CLOSED;
	struct area area = area_make();
	struct map maps[] = {area.map, area.map, area.map};

	memset(area.start, 1, 5 * area.page);
	maps[0].end = maps[0].start + 2 * area.page;
	maps[1].start = maps[0].end;
	maps[1].end = maps[1].start + area.page;
	/* A hole of one page; then the last area. */
	maps[2].start = maps[1].end + area.page;
	maps[2].end = maps[2].start + area.page;
	REQUIRE(!proc_open(getpid(), &self, ERR_UNREAD));
	REQUIRE(!pagemap_open(&self, &pagemap, ERR_UNREAD));
	for (int words = 0; words < 2; words++) {
		struct pagemap_regions regions = {0};

		if (words)
			pagemap_prefer_words(&pagemap);
		CHECK_INT(pagemap_scan_maps(arena, &pagemap, maps, 3, NULL,
				  &regions, ERR_UNREAD),
			0);
		if (!CHECK_INT(regions.n, 3))
			continue;
		for (int i = 0; i < 3; i++) {
			CHECK_INT(regions.at[i].start, maps[i].start);
			CHECK_INT(regions.at[i].end, maps[i].end);
		}
	}
	munmap(area.start, PAGES * area.page);
}

TEST(ranges_that_are_no_pages_are_refused)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	_cleanup_pagemap_ struct pagemap pagemap = PAGEMAP_CLOSED;
	struct pagemap_regions regions = {0};
	struct err err = {0};

	REQUIRE(!proc_open(getpid(), &self, ERR_UNREAD));
	REQUIRE(!pagemap_open(&self, &pagemap, ERR_UNREAD));
	CHECK_INT(pagemap_scan(arena, &pagemap, 1, 65536, &regions, &err),
		-EINVAL);
	CHECK_INT(pagemap_scan(arena, &pagemap, 131072, 65536, &regions, &err),
		-EINVAL);
	CHECK_INT(
		pagemap_scan(arena, &pagemap, 65536, 65536, &regions, &err), 0);
}

enum { AREAS = 10000 };

static void hold_areas(int ready, void *arg)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *all = mmap(NULL, 2 * AREAS * page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	if (all == MAP_FAILED)
		_exit(1);
	madvise(all, 2 * AREAS * page, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < AREAS; i++) {
		all[2 * i * page] = 1;
		if (munmap(all + (2 * i + 1) * page, page))
			_exit(1);
	}
	child_sleep(ready, NULL);
}

/* Generous: runs under sanitizers; a call for each area would be seen. */
TEST(ten_thousand_areas_are_scanned_at_once)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	_cleanup_child_ pid_t pid = child_start(hold_areas, NULL);
	_cleanup_pagemap_ struct pagemap pagemap = PAGEMAP_CLOSED;
	struct pagemap_regions regions = {0};
	struct maps maps = {0};
	struct err err = {0};

	REQUIRE(!proc_open(pid, &proc, &err));
	REQUIRE(!maps_read(arena, &proc, &maps, &err));
	REQUIRE(!pagemap_open(&proc, &pagemap, &err));
	CHECK(maps.n > AREAS);
	CHECK_INT(pagemap_scan_maps(arena, &pagemap, maps.at, maps.n, NULL,
			  &regions, &err),
		0);
	CHECK_STR(err.text, "");
	CHECK(regions.n >= AREAS);
}

enum { ROOMY = 128 << 20, HUGE = 2 << 20, TOUCHED = 5, READ_BEHIND = 64 << 20 };

/* Roomy memory that is hardly used: at its start huge pages, of which one is
 * only read; then single pages, one of them only read, too. */
static char *roomy_make(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at = mmap(NULL, ROOMY, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *huge = (char *)(((uintptr_t)at + HUGE - 1) & ~(HUGE - 1ul));

	if (at == MAP_FAILED)
		_exit(1);
	madvise(huge, 2 * HUGE, MADV_HUGEPAGE);
	(void)*(volatile char *)huge;
	huge[HUGE] = 1;
	for (size_t i = 0; i < TOUCHED; i++)
		at[10 * HUGE + 3 * i * page] = 1;
	(void)*(volatile char *)(at + 10 * HUGE + page);
	(void)*(volatile char *)(at + READ_BEHIND);
	return at;
}

/* Memory that two processes share until one of them writes. */
static void hold_roomy(int ready, void *arg)
{
	char *at = roomy_make();

	if (arg && !fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		at[10 * HUGE] = 2;
		for (;;)
			pause();
	}
	if (mmap(NULL, ROOMY, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		MAP_FAILED)
		_exit(1);
	child_sleep(ready, NULL);
}

static bool is_own(const struct pagemap_region *region)
{
	return region->flags & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED) &&
	       !(region->flags & (PAGEMAP_FILE | PAGEMAP_PFNZERO));
}

static bool region_has(const struct pagemap_regions *all, uint64_t addr)
{
	for (size_t i = 0; i < all->n; i++)
		if (is_own(&all->at[i]) && all->at[i].start <= addr &&
			addr < all->at[i].end)
			return true;
	return false;
}

static bool page_is_zeros(const struct memory *memory, uint64_t at)
{
	char page[65536] = {0};
	size_t size = (size_t)sysconf(_SC_PAGESIZE);

	CHECK_INT(memory_read(memory, at, page, size, ERR_UNREAD), 0);
	return !page[0] && !memcmp(page, page + 1, size - 1);
}

/* How many own pages with content there are; all must be in found. */
static size_t contents_check(const struct proc *proc,
	const struct pagemap_regions *whole,
	const struct pagemap_regions *found)
{
	struct memory memory = MEMORY_CLOSED;
	size_t n = 0;

	CHECK_INT(memory_open(proc, &memory, ERR_UNREAD), 0);
	for (size_t i = 0; i < whole->n; i++)
		for (uint64_t at = whole->at[i].start;
			is_own(&whole->at[i]) && at < whole->at[i].end;
			at += (uint64_t)sysconf(_SC_PAGESIZE))
			if (!page_is_zeros(&memory, at)) {
				CHECK(region_has(found, at));
				n++;
			}
	memory_close(&memory);
	return n;
}

/* Whatever the words of whole areas tell is found by counting, too. */
static void roomy_check(bool forked)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	_cleanup_child_ pid_t pid =
		child_start(hold_roomy, forked ? &forked : NULL);
	_cleanup_pagemap_ struct pagemap pagemap = PAGEMAP_CLOSED;
	struct pagemap_regions whole = {0}, counted = {0};
	struct maps maps = {0};
	uint64_t *own;
	size_t some = 0, none = 0, n;

	REQUIRE(!proc_open(pid, &proc, ERR_UNREAD));
	REQUIRE(!maps_read(arena, &proc, &maps, ERR_UNREAD));
	REQUIRE(!pagemap_open(&proc, &pagemap, ERR_UNREAD));
	pagemap_prefer_words(&pagemap);
	own = arena_newn(arena, uint64_t, maps.n);
	/* But for a sanitizer's terabytes. */
	for (size_t i = n = 0; i < maps.n; i++)
		if (maps.at[i].end - maps.at[i].start <= 2ul * ROOMY)
			maps.at[n++] = maps.at[i];
	maps.n = n;
	for (size_t i = 0; i < maps.n; i++) {
		own[i] = pagemap_own(&pagemap, &maps.at[i]);
		none += !own[i];
		some += own[i] && own[i] != UINT64_MAX;
	}
	CHECK_INT(pagemap_scan_maps(arena, &pagemap, maps.at, maps.n, NULL,
			  &whole, ERR_UNREAD),
		0);
	CHECK_INT(pagemap_scan_maps(arena, &pagemap, maps.at, maps.n, own,
			  &counted, ERR_UNREAD),
		0);
	/* Where pages are big, too few of them fit into an area to be counted.
	 */
	CHECK((some >= 1 && none >= 1) || sysconf(_SC_PAGESIZE) > 4096);
	CHECK(contents_check(&proc, &whole, &counted) > TOUCHED);
}

TEST(pages_that_smaps_counts_are_all_found)
{
	roomy_check(false);
}

TEST(pages_that_smaps_counts_are_all_found_though_others_share_them)
{
	roomy_check(true);
}

TEST(a_scan_ends_with_the_last_page_that_smaps_counts)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	_cleanup_pagemap_ struct pagemap pagemap = PAGEMAP_CLOSED;
	struct pagemap_regions regions = {0};
	char *at = roomy_make();
	struct map map = {.start = (uintptr_t)at,
		.end = (uintptr_t)at + ROOMY,
		.path = ""};
	const uint64_t none = 0, one = 1, all = UINT64_MAX;

	REQUIRE(!proc_open(getpid(), &self, ERR_UNREAD));
	REQUIRE(!pagemap_open(&self, &pagemap, ERR_UNREAD));
	pagemap_prefer_words(&pagemap);
	CHECK_INT(pagemap_scan_maps(arena, &pagemap, &map, 1, &none, &regions,
			  ERR_UNREAD),
		0);
	CHECK_INT(regions.n, 0);
	CHECK_INT(pagemap_scan_maps(
			  arena, &pagemap, &map, 1, &one, &regions, ERR_UNREAD),
		0);
	CHECK(regions.n && regions.at[regions.n - 1].end <
				   map.start + 10 * HUGE + pagemap.page_size);
	CHECK_INT(pagemap_scan_maps(
			  arena, &pagemap, &map, 1, &all, &regions, ERR_UNREAD),
		0);
	CHECK(regions.at[regions.n - 1].end > map.start + READ_BEHIND);
	munmap(at, ROOMY);
}

TEST(what_smaps_does_not_count_is_looked_at_whole)
{
	struct pagemap pagemap = {.fd = -1, .page_size = 4096};
	struct map map = {.start = 0x10000000,
		.end = 0x20000000,
		.path = "",
		.anon_kb = 8,
		.swap_kb = 4};

	CHECK_INT(pagemap_own(&pagemap, &map), 3);
	map.path = "[anon:room]";
	CHECK_INT(pagemap_own(&pagemap, &map), 3);
	map.path = "[vdso]";
	CHECK(pagemap_own(&pagemap, &map) == UINT64_MAX);
	map.path = "/a/file";
	map.ino = 5;
	CHECK(pagemap_own(&pagemap, &map) == UINT64_MAX);
	map.anon_kb = map.swap_kb = 0;
	CHECK_INT(pagemap_own(&pagemap, &map), 0);
	map.hugetlb_kb = 2048;
	CHECK(pagemap_own(&pagemap, &map) == UINT64_MAX);
	map = (struct map){.start = 0x10000000,
		.end = 0x20000000,
		.path = "",
		.anon_kb = 200 << 10};
	CHECK(pagemap_own(&pagemap, &map) == UINT64_MAX);
}

TEST(a_process_that_is_gone_cannot_be_scanned)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	_cleanup_pagemap_ struct pagemap pagemap = PAGEMAP_CLOSED;
	struct pagemap_regions regions = {0};
	struct err err = {0};
	pid_t pid = child_start(child_sleep, NULL);

	CHECK_INT(proc_open(pid, &proc, ERR_UNREAD), 0);
	CHECK_INT(pagemap_open(&proc, &pagemap, ERR_UNREAD), 0);
	child_end(&pid);
	CHECK_INT(pagemap_scan(arena, &pagemap, 65536, 1 << 30, &regions, &err),
		-ESRCH);
	CHECK(strstr(err.text, "pages of process"));
}
