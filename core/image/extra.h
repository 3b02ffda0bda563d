/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * extra: stasis-extra.img, what the image format has no field for.
 *
 * Other engines ignore the file; without it, everything in it has its
 * default. Entries are found by the tid or pid of the image. All memory is
 * the arena's.
 */
#ifndef STASIS_IMAGE_EXTRA_H
#define STASIS_IMAGE_EXTRA_H

#include <stdint.h>

#include "base/index.h"
#include "base/vec.h"
#include "image/set.h"

struct extra {
	struct arena *arena;
	VEC(StasisThreadExtra *) threads;
	VEC(StasisTaskExtra *) tasks;
	struct index by_tid, by_pid; /* of what was added or loaded */
	uint32_t *outside;	     /* ids of files */
	size_t n_outside;
};

void extra_init(struct extra *ret_extra, struct arena *arena);

/* Add an entry; one for each tid, one for each pid. */
StasisThreadExtra *extra_thread_add(struct extra *extra, uint32_t tid);
StasisTaskExtra *extra_task_add(struct extra *extra, uint32_t pid);
/* The bytes are copied. */
void extra_regset_add(struct extra *extra, StasisThreadExtra *thread,
	uint32_t note, const void *bytes, size_t size);
/* One more element of a task's list of ranges: *list and *n are fields of
 * StasisTaskExtra (huge and n_huge ...). */
void extra_range_add(struct arena *arena, StasisRange ***list, size_t *n,
	uint64_t start, uint64_t end, uint32_t value);
/* The name (size bytes) of an area. */
void extra_name_add(struct arena *arena, StasisTaskExtra *task, uint64_t start,
	uint64_t end, const char *name, size_t size);

/* NULL: there is none. */
const StasisThreadExtra *extra_thread_find(
	const struct extra *extra, uint32_t tid);
const StasisTaskExtra *extra_task_find(const struct extra *extra, uint32_t pid);
const StasisRegset *extra_regset_find(
	const StasisThreadExtra *thread, uint32_t note);

/* Nothing is written if there is nothing to say. An absent file loads as
 * empty. */
int extra_save(
	const struct extra *extra, struct image_set *set, struct err *err);
int extra_load(struct image_set *set, struct extra *ret_extra, struct err *err);

#endif
