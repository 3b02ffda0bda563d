/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/page_chain.h"

#include <sys/stat.h>

#include "proto/memory.pb-c.h"
#include "samples.h"

enum { PAGE = 4096 };

static const struct image_facts facts = {
	.machine = "x86_64", .page_size = PAGE, .no_sync = true};

struct run {
	uint64_t vaddr, n;
	uint32_t flags;
};

/* A set with the pages of one task: page number i is full of fill + i. */
static void set_write(int dir, const char *parent, const struct run *runs,
	size_t n, char fill)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = NULL;
	struct pages_writer writer;
	struct err err = {0};
	char page[PAGE];

	REQUIRE(image_set_create(arena, dir, &set, &err) == 0);
	REQUIRE(pages_writer_open(
			set, IMAGE_PAGEMAP, 1, 1, PAGE, &writer, &err) == 0);
	for (size_t i = 0; i < n; i++) {
		CHECK_INT(pages_writer_append(&writer, runs[i].vaddr, runs[i].n,
				  runs[i].flags, &err),
			0);
		for (uint64_t k = 0; k < runs[i].n; k++) {
			if (!(runs[i].flags & PAGES_PRESENT))
				continue;
			memset(page, fill++, PAGE);
			image_raw_append(set, IMAGE_PAGES, 1, page, PAGE, &err);
		}
	}
	CHECK_INT(pages_writer_close(&writer, &err), 0);
	if (parent)
		image_set_link_parent(set, parent);
	CHECK_INT(image_set_commit(set, &facts, &err), 0);
}

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

TEST(pages_of_parents_are_found_through_the_chain)
{
	static const struct run old[] = {{0x1000, 4, 4}};
	static const struct run middle[] = {{0x1000, 1, 4}, {0x2000, 3, 1}};
	static const struct run young[] = {
		{0x1000, 3, 1}, {0x4000, 1, 4}, {0x5000, 1, 4}};
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_page_chain_ struct page_chain chain = {0};
	_cleanup_image_set_ struct image_set *set = NULL;
	int fds[3];
	char got[5 * PAGE];
	struct err err = {0};

	for (int i = 0; i < 3; i++) {
		mkdirat(scratch.fd,
			&"0\0"
			 "1\0"
			 "2"[i * 2],
			0700);
		fds[i] = openat(scratch.fd,
			&"0\0"
			 "1\0"
			 "2"[i * 2],
			O_RDONLY | O_CLOEXEC);
	}
	set_write(fds[0], NULL, old, 1, 'a');
	set_write(fds[1], "../0", middle, 2, 'k');
	set_write(fds[2], "../1", young, 3, 'x');
	REQUIRE(image_set_open(arena, fds[2], &set, &err) == 0);
	if (!CHECK_INT(
		    page_chain_open(set, IMAGE_PAGEMAP, 1, PAGE, &chain, &err),
		    0))
		CHECK_STR(err.text, "");
	CHECK_INT(page_chain_read(&chain, 0x1000, got, sizeof(got)), 5 * PAGE);
	CHECK(got[0] == 'k' && got[PAGE] == 'b' && got[2 * PAGE] == 'c');
	CHECK(got[3 * PAGE] == 'x' && got[5 * PAGE - 1] == 'y');
	CHECK_INT(page_chain_read(&chain, 0x5ffe, got, 9), 2);
	CHECK_INT(page_chain_read(&chain, 0x6000, got, 9), 0);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

TEST(pages_that_no_parent_has_are_an_error)
{
	static const struct run runs[] = {{0x1000, 3, 1}};
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = NULL;
	struct page_chain chain;
	struct err err = {0};

	set_write(scratch.fd, NULL, runs, 1, 'a');
	REQUIRE(image_set_open(arena, scratch.fd, &set, &err) == 0);
	CHECK_INT(page_chain_open(set, IMAGE_PAGEMAP, 1, PAGE, &chain, &err),
		-EBADMSG);
	CHECK_STR(err.text, "pages are said to be in the parent of the images, "
			    "but there is no parent");
}

TEST(a_parent_that_is_gone_is_an_error_with_a_hint)
{
	static const struct run runs[] = {{0x1000, 3, 1}};
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = NULL;
	struct page_chain chain;
	struct err err = {0};

	set_write(scratch.fd, "../nowhere-at-all", runs, 1, 'a');
	REQUIRE(image_set_open(arena, scratch.fd, &set, &err) == 0);
	CHECK_INT(page_chain_open(set, IMAGE_PAGEMAP, 1, PAGE, &chain, &err),
		-ENOENT);
	CHECK(err.hint[0]);
}

TEST(a_directory_that_is_its_own_parent_is_an_error)
{
	static const struct run runs[] = {{0x1000, 1, 1}};
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = NULL;
	struct page_chain chain;
	struct err err = {0};

	set_write(scratch.fd, ".", runs, 1, 'a');
	REQUIRE(image_set_open(arena, scratch.fd, &set, &err) == 0);
	CHECK_INT(page_chain_open(set, IMAGE_PAGEMAP, 1, PAGE, &chain, &err),
		-ELOOP);
}
