/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/pages.h"

#include <sys/stat.h>

#include "proto/memory.pb-c.h"
#include "page_sets.h"

static int map_read(struct arena *arena, int dir, struct pages_map *ret_map,
	struct err *err)
{
	struct image_set *set = NULL;
	int ret = image_set_open(arena, dir, &set, err);

	if (ret < 0)
		return ret;
	ret = pages_load(set, IMAGE_PAGEMAP, 1, PAGE, ret_map, err);
	image_set_close(set);
	return ret;
}

TEST(neighbouring_runs_become_one_and_offsets_follow)
{
	static const struct run runs[] = {
		{0x1000, 1, 4}, {0x2000, 2, 4}, {0x4000, 1, 6}, {0x9000, 1, 6}};
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	struct pages_map map = {0};
	struct err err = {0};

	set_write(scratch.fd, NULL, runs, 4, 'a');
	CHECK_INT(map_read(arena, scratch.fd, &map, &err), 0);
	REQUIRE(map.n == 3);
	CHECK_INT(map.runs[0].nr_pages, 3);
	CHECK_INT(map.runs[1].offset, 3 * PAGE);
	CHECK_INT(map.runs[2].offset, 4 * PAGE);
	CHECK_INT(map.stored, 5);
	CHECK(pages_find(&map, 0x3fff) == &map.runs[0]);
	CHECK(pages_find(&map, 0x4000) == &map.runs[1]);
	CHECK(pages_find(&map, 0x5000) == NULL);
	CHECK(pages_find(&map, 0xfff) == NULL);
}

TEST(both_page_counts_are_written_for_old_readers)
{
	static const struct run runs[] = {{0x1000, 3, 4}};
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = NULL;
	const PagemapEntry *entry;
	struct image_list list = {0};
	struct err err = {0};

	set_write(scratch.fd, NULL, runs, 1, 'a');
	REQUIRE(image_set_open(arena, scratch.fd, &set, &err) == 0);
	CHECK_INT(image_load(set, IMAGE_PAGEMAP, 1, &list, &err), 0);
	REQUIRE(list.n == 2);
	entry = (const PagemapEntry *)list.at[1].msg;
	CHECK_INT(entry->compat_nr_pages, 3);
	CHECK_INT(entry->nr_pages, 3);
}

TEST(runs_out_of_order_are_not_written)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = NULL;
	struct pages_writer writer;
	struct err err = {0};

	REQUIRE(image_set_create(arena, scratch.fd, &set, &err) == 0);
	pages_writer_open(set, IMAGE_PAGEMAP, 1, 1, PAGE, &writer, &err);
	CHECK_INT(pages_writer_append(&writer, 0x5000, 2, 4, &err), 0);
	CHECK_INT(pages_writer_append(&writer, 0x6000, 1, 4, &err), -EBADMSG);
}

/* A pagemap as it should not be. */
static int map_of(
	const struct run *runs, size_t n, size_t pages, struct err *err)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	struct image_set *set = NULL;
	PagemapEntry entry = PAGEMAP_ENTRY__INIT;
	PagemapHead head = PAGEMAP_HEAD__INIT;
	struct pages_map map;
	int ret = image_set_create(arena, scratch.fd, &set, err);

	head.pages_id = 1;
	image_append(set, IMAGE_PAGEMAP, 1, &head.base, NULL, 0, err);
	for (size_t i = 0; i < n; i++) {
		entry.vaddr = runs[i].vaddr;
		entry.has_nr_pages = true;
		entry.nr_pages = runs[i].n;
		entry.has_flags = true;
		entry.flags = runs[i].flags;
		image_append(set, IMAGE_PAGEMAP, 1, &entry.base, NULL, 0, err);
	}
	image_raw_append(set, IMAGE_PAGES, 1,
		arena_alloc(arena, pages * PAGE + 1), pages * PAGE, err);
	ret = ret ?: image_set_commit(set, &facts, err);
	image_set_close(set);
	return ret ?: map_read(arena, scratch.fd, &map, err);
}

TEST(maps_that_cannot_be_are_refused)
{
	static const struct run good[] = {{0x1000, 1, 4}, {0x3000, 1, 4}};
	static const struct run crooked[] = {{0x1001, 1, 4}};
	static const struct run unsorted[] = {{0x3000, 1, 4}, {0x1000, 1, 4}};
	static const struct run overlap[] = {{0x1000, 2, 4}, {0x2000, 1, 4}};
	static const struct run huge[] = {{0x1000, UINT64_MAX / 2, 4}};
	static const struct run wrap[] = {{0xfffffffffffff000, 2, 1}};
	struct err err = {0};

	CHECK_INT(map_of(good, 2, 2, &err), 0);
	CHECK_INT(map_of(crooked, 1, 9, &err), -EBADMSG);
	CHECK_INT(map_of(unsorted, 2, 9, &err), -EBADMSG);
	CHECK_INT(map_of(overlap, 2, 9, &err), -EBADMSG);
	CHECK_INT(map_of(huge, 1, 9, &err), -EBADMSG);
	CHECK_INT(map_of(wrap, 1, 9, &err), -EBADMSG);
	CHECK_INT(map_of(good, 2, 1, &err), -EBADMSG);
	CHECK_STR(err.text, "pages-1.img is cut off: it has 1 pages, its map "
			    "speaks of 2");
}

TEST(sample_maps_without_small_counts_are_read)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_fd_ int dir = sample_dir("zoo");
	_cleanup_image_set_ struct image_set *set = NULL;
	struct pages_map map = {0};
	struct err err = {0};

	REQUIRE(image_set_open(arena, dir, &set, &err) == 0);
	CHECK_INT(pages_load(set, IMAGE_PAGEMAP, 1, PAGE, &map, &err), 0);
	REQUIRE(map.n == 8);
	CHECK_INT(map.pages_id, 3);
	CHECK_INT(map.stored, 19);
	CHECK_INT(map.runs[1].nr_pages, 5);
	CHECK_INT(map.runs[7].flags, PAGES_LAZY | PAGES_PRESENT);
	CHECK_INT(map.runs[7].offset, 16 * PAGE);
}
