/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pages: which pages of a task or a shared object are stored, and where.
 *
 * A map is a sorted list of runs that do not overlap. The bytes of runs that
 * are PRESENT follow each other without gaps in the pages file; `offset` is
 * where a run begins there. PARENT runs are in the set before this one (see
 * core/pages/source.h). vaddr is an address, or an offset in a shared object.
 */
#ifndef STASIS_IMAGE_PAGES_H
#define STASIS_IMAGE_PAGES_H

#include <stdint.h>

#include "image/set.h"

enum {
	PAGES_PARENT = 1 << 0,
	PAGES_LAZY = 1 << 1, /* may be restored later, when it is touched */
	PAGES_PRESENT = 1 << 2,
};

struct pages_run {
	uint64_t vaddr, nr_pages;
	uint32_t flags;
	uint64_t offset; /* in the pages file, if PRESENT */
};

struct pages_map {
	uint32_t pages_id;
	uint32_t page_size;
	struct pages_run *runs;
	size_t n;
	uint64_t stored; /* pages that are PRESENT */
};

/* type is IMAGE_PAGEMAP or IMAGE_PAGEMAP_SHMEM; an absent one is empty.
 * Everything is checked: order, alignment, and that the pages file has as
 * many bytes as its runs claim. */
int pages_load(struct image_set *set, enum image_type type, uint64_t id,
	uint32_t page_size, struct pages_map *ret_map, struct err *err);

/* The run that holds an address, or NULL. */
const struct pages_run *pages_find(const struct pages_map *map, uint64_t vaddr);

/* Runs come in order; neighbours with the same flags become one. */
struct pages_writer {
	struct image_set *set;
	enum image_type type;
	uint64_t id;
	uint32_t page_size;
	struct pages_run last;
};

int pages_writer_open(struct image_set *set, enum image_type type, uint64_t id,
	uint32_t pages_id, uint32_t page_size, struct pages_writer *ret_writer,
	struct err *err);
int pages_writer_append(struct pages_writer *writer, uint64_t vaddr,
	uint64_t nr_pages, uint32_t flags, struct err *err);
int pages_writer_close(struct pages_writer *writer, struct err *err);

#endif
