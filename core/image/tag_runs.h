/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tag_runs: memory tags as they are stored: runs of equal ones.
 *
 * Each run is one number, its length * 16 + its tag, in groups of seven bits,
 * the lowest first, with the highest bit of a byte set when more follow. So
 * short runs take a byte, and a page of equal tags two.
 */
#ifndef STASIS_IMAGE_TAG_RUNS_H
#define STASIS_IMAGE_TAG_RUNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"

enum { TAG_MAX = 15 };

struct tag_run {
	uint64_t length; /* in granules */
	uint8_t tag;
};

/* Grows; the last run is only in bytes after tag_runs_end. */
struct tag_runs {
	VEC(uint8_t) bytes;
	struct tag_run last;
	bool tagged; /* one of them is not 0 */
};

void tag_runs_add(struct arena *arena, struct tag_runs *runs,
	const uint8_t *tags, size_t n);
void tag_runs_end(struct arena *arena, struct tag_runs *runs);

/* The run at *at, which is moved behind it. False: these bytes are none. */
bool tag_runs_next(
	const uint8_t *bytes, size_t size, size_t *at, struct tag_run *ret);

#endif
