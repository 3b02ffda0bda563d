/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page_chain: the stored pages of one map, wherever they are: in this set or
 * in those that it builds upon.
 *
 * Pieces are sorted, do not overlap, and each names the open pages file and
 * the offset of its bytes. Runs that say PARENT have been looked up in the
 * parent sets; one that is nowhere is an error. Close it when done.
 */
#ifndef STASIS_IMAGE_PAGE_CHAIN_H
#define STASIS_IMAGE_PAGE_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "image/pages.h"

struct page_piece {
	uint64_t vaddr, nr_pages;
	int fd; /* of the chain */
	uint64_t offset;
	bool lazy;
};

struct page_chain {
	uint32_t page_size;
	struct page_piece *pieces;
	size_t n;
	VEC(int) fds;
};

int page_chain_open(struct image_set *set, enum image_type type, uint64_t id,
	uint32_t page_size, struct page_chain *ret_chain, struct err *err);
void page_chain_close(struct page_chain *chain);
#define _cleanup_page_chain_ __attribute__((cleanup(page_chain_close)))

/* How many bytes from vaddr on could be read, at most size; 0 if the page of
 * vaddr is not stored. */
size_t page_chain_read(
	const struct page_chain *chain, uint64_t vaddr, void *to, size_t size);

#endif
