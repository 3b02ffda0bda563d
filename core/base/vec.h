/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vec: a growing array of one type, in an arena.
 *
 *	VEC(int) fds = {0};
 *	*vec_push(arena, &fds) = 7;
 *	for (size_t i = 0; i < fds.n; i++) use(fds.at[i]);
 *
 * Pointers into it die at the next push. It is freed with its arena.
 */
#ifndef STASIS_BASE_VEC_H
#define STASIS_BASE_VEC_H

#include <stddef.h>

#include "base/arena.h"

#define VEC(type)               \
	struct {                \
		type *at;       \
		size_t n, room; \
	}

/* A zeroed new last element; evaluates to its address. */
#define vec_push(arena, vec)                                                  \
	((vec)->at = vec_room(arena, (vec)->at, sizeof(*(vec)->at), (vec)->n, \
		 &(vec)->room),                                               \
		(vec)->at + (vec)->n++)

static inline void *vec_room(
	struct arena *arena, void *at, size_t size, size_t n, size_t *room)
{
	if (n < *room)
		return at;
	*room = *room ? *room * 2 : 8;
	return arena_grow(arena, at, n * size, *room * size);
}

#endif
