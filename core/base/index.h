/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * index: things by their numbers (pids, ids, inodes), in an arena.
 *
 *	struct index by_pid = {0};
 *	*index_slot(arena, &by_pid, pid) = task;
 *	task = index_get(&by_pid, pid);
 *
 * Any number is found in about one step, however many there are.
 */
#ifndef STASIS_BASE_INDEX_H
#define STASIS_BASE_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct index_place;

struct index {
	struct index_place *at;
	size_t n, room; /* room: a power of two, or 0 */
};

/* What stands there; NULL: nothing. */
void *index_get(const struct index *index, uint64_t key);
/* Its place, NULL at first. Dies at the next index_slot. */
void **index_slot(struct arena *arena, struct index *index, uint64_t key);

#endif
