/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/source.h"

#include <sys/stat.h>

#include "../image/page_sets.h"

/* Directories "0", "1", ... */
static void chain_make(const struct scratch *scratch, int *ret_fds, int n)
{
	char name[12];

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%d", i);
		CHECK_INT(mkdirat(scratch->fd, name, 0700), 0);
		ret_fds[i] = openat(scratch->fd, name, O_RDONLY | O_CLOEXEC);
	}
}

TEST(pages_of_parents_are_found_through_the_chain)
{
	static const struct run old[] = {{0x1000, 4, 4}};
	static const struct run middle[] = {{0x1000, 1, 4}, {0x2000, 3, 1}};
	static const struct run young[] = {
		{0x1000, 3, 1}, {0x4000, 1, 4}, {0x5000, 1, 4}};
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_source_reader_ struct source_reader reader = {0};
	struct source pages;
	_cleanup_image_set_ struct image_set *set = NULL;
	int fds[3];
	char got[5 * PAGE];
	struct err err = {0};

	chain_make(&scratch, fds, 3);
	set_write(fds[0], NULL, old, 1, 'a');
	set_write(fds[1], "../0", middle, 2, 'k');
	set_write(fds[2], "../1", young, 3, 'x');
	REQUIRE(image_set_open(arena, fds[2], &set, &err) == 0);
	if (!CHECK_INT(
		    source_load(set, IMAGE_PAGEMAP, 1, PAGE, &pages, &err), 0))
		CHECK_STR(err.text, "");
	source_reader_open(&reader, arena, &pages);
	CHECK_INT(source_read(&reader, 0x1000, got, sizeof(got)), 5 * PAGE);
	CHECK(got[0] == 'k' && got[PAGE] == 'b' && got[2 * PAGE] == 'c');
	CHECK(got[3 * PAGE] == 'x' && got[5 * PAGE - 1] == 'y');
	CHECK_INT(source_read(&reader, 0x5ffe, got, 9), 2);
	CHECK_INT(source_read(&reader, 0x6000, got, 9), 0);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

TEST(pages_that_no_parent_has_are_an_error)
{
	static const struct run runs[] = {{0x1000, 3, 1}};
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = NULL;
	struct source pages;
	struct err err = {0};

	set_write(scratch.fd, NULL, runs, 1, 'a');
	REQUIRE(image_set_open(arena, scratch.fd, &set, &err) == 0);
	CHECK_INT(source_load(set, IMAGE_PAGEMAP, 1, PAGE, &pages, &err),
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
	struct source pages;
	struct err err = {0};

	set_write(scratch.fd, "../nowhere-at-all", runs, 1, 'a');
	REQUIRE(image_set_open(arena, scratch.fd, &set, &err) == 0);
	CHECK_INT(source_load(set, IMAGE_PAGEMAP, 1, PAGE, &pages, &err),
		-ENOENT);
	CHECK(err.hint[0]);
}

TEST(a_directory_that_is_its_own_parent_is_an_error)
{
	static const struct run runs[] = {{0x1000, 1, 1}};
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = NULL;
	struct source pages;
	struct err err = {0};

	set_write(scratch.fd, ".", runs, 1, 'a');
	REQUIRE(image_set_open(arena, scratch.fd, &set, &err) == 0);
	CHECK_INT(
		source_load(set, IMAGE_PAGEMAP, 1, PAGE, &pages, &err), -ELOOP);
}

TEST(pieces_name_the_file_and_the_place_of_each_page)
{
	static const struct run old[] = {{0x1000, 6, 4}};
	static const struct run young[] = {
		{0x1000, 2, 1}, {0x3000, 1, 6}, {0x4000, 2, 1}};
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_image_set_ struct image_set *set = NULL;
	struct source pages;
	struct err err = {0};
	int fds[2];

	chain_make(&scratch, fds, 2);
	set_write(fds[0], NULL, old, 1, 'a');
	set_write(fds[1], "../0", young, 3, 'x');
	REQUIRE(image_set_open(arena, fds[1], &set, &err) == 0);
	REQUIRE(source_load(set, IMAGE_PAGEMAP, 1, PAGE, &pages, &err) == 0);
	REQUIRE(pages.n == 3 && pages.n_files == 2);
	CHECK_INT(pages.stored, 5);
	CHECK_INT(pages.files[0].depth, 1);
	CHECK_INT(pages.files[1].depth, 0);
	CHECK_STR(source_file_name(arena, &pages, 0), "parent/pages-1.img");
	CHECK_STR(source_file_name(arena, &pages, 1), "pages-1.img");
	CHECK_INT(pages.pieces[0].file, 0);
	CHECK_INT(pages.pieces[0].nr_pages, 2);
	CHECK_INT(pages.pieces[0].offset, 0);
	CHECK_INT(pages.pieces[1].file, 1);
	CHECK_INT(pages.pieces[1].flags, PAGES_LAZY | PAGES_PRESENT);
	CHECK_INT(pages.pieces[2].file, 0);
	CHECK_INT(pages.pieces[2].offset, 3 * PAGE);
	CHECK_INT(source_behind(&pages, 0x3000), 1);
	CHECK_INT(source_behind(&pages, 0x6000), 3);
	CHECK(source_piece_find(&pages, 0x5fff) == &pages.pieces[2]);
	CHECK(!source_piece_find(&pages, 0x6000));
	for (int i = 0; i < 2; i++)
		close(fds[i]);
}

TEST(lazy_pages_in_no_file_are_elsewhere_and_read_as_not_there)
{
	static const struct run runs[] = {{0x1000, 1, 4}, {0x2000, 3, 2}};
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_scratch_ struct scratch scratch = scratch_make();
	_cleanup_source_reader_ struct source_reader reader = {0};
	_cleanup_image_set_ struct image_set *set = NULL;
	struct source pages;
	char got[2 * PAGE];
	struct err err = {0};

	set_write(scratch.fd, NULL, runs, 2, 'a');
	REQUIRE(image_set_open(arena, scratch.fd, &set, &err) == 0);
	REQUIRE(source_load(set, IMAGE_PAGEMAP, 1, PAGE, &pages, &err) == 0);
	REQUIRE(pages.n == 2);
	CHECK(pages.pieces[1].file == SOURCE_ELSEWHERE);
	CHECK_INT(pages.stored, 1);
	source_reader_open(&reader, arena, &pages);
	CHECK_INT(source_read(&reader, 0x1000, got, sizeof(got)), PAGE);
}
