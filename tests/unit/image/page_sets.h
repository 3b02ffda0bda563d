/* SPDX-License-Identifier: GPL-2.0-or-later */
/* page_sets: image sets with the pages of one task, for tests of their maps. */
#ifndef STASIS_TEST_PAGE_SETS_H
#define STASIS_TEST_PAGE_SETS_H

#include "image/pages.h"
#include "samples.h"

enum { PAGE = 4096 };

static const struct image_facts facts = {
	.machine = "x86_64", .page_size = PAGE, .no_sync = true};

struct run {
	uint64_t vaddr, n;
	uint32_t flags;
};

/* A set with the pages of one task: page number i is full of fill + i. */
static inline void set_write(int dir, const char *parent,
	const struct run *runs, size_t n, char fill)
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

#endif
