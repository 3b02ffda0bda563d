/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * missing: what of a memory has not been brought yet, and where in the images
 * it is to be found.
 *
 * Ranges of whole pages, in the order of their addresses, that do not overlap.
 * A range keeps the address that it had in the images while the process moves
 * it about. Pure; it lives in an arena. Every number may come from a process:
 * what has no sense changes nothing.
 */
#ifndef STASIS_PAGES_MISSING_H
#define STASIS_PAGES_MISSING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"

struct missing_range {
	uint64_t start, end;
	uint64_t from; /* of start, in the images */
};

struct missing {
	struct arena *arena;
	VEC(struct missing_range) ranges; /* empty ones among them */
	size_t empty;
	uint64_t bytes;
	bool moved; /* not all are where they were in the images */
};

/* Behind all that was added before. */
void missing_add(struct missing *missing, uint64_t start, uint64_t end);
/* All of another one's. */
void missing_copy(struct missing *to, const struct missing *from);

void missing_drop(struct missing *missing, uint64_t start, uint64_t end);
/* What was at `from` is at `to` now, what was there is gone; pages that are not
 * missing are still none. */
void missing_move(
	struct missing *missing, uint64_t from, uint64_t to, uint64_t size);

/* The range that holds an address, from there on; false: it is not missing. */
bool missing_find(
	const struct missing *missing, uint64_t at, struct missing_range *ret);
/* The first one at or behind an address, from there on; false: none. */
bool missing_next(
	const struct missing *missing, uint64_t at, struct missing_range *ret);
/* The next one (ranges are counted by *place, 0 at first) of which something
 * comes from [from, from + size) of the images, and only that; false: no more.
 * Nothing may be changed in between. */
bool missing_from(const struct missing *missing, uint64_t from, uint64_t size,
	size_t *place, struct missing_range *ret);

#endif
