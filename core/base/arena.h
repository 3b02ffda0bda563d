/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arena: memory that is given out piece by piece and freed all at once.
 *
 * A run owns one; everything a run learns lives there until the run ends.
 * Memory comes back zeroed and aligned to 16 bytes. Out of memory aborts
 * the program with a message (the kernel overcommits; a real shortage is
 * met by the OOM killer, not here), so nothing here fails. Not for threads.
 */
#ifndef STASIS_BASE_ARENA_H
#define STASIS_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void);
/* One whose memory stays shared with forked children: a fork does not copy
 * it, so what is big and known before costs each child nothing. Only one of
 * the processes may allocate or write. */
struct arena *arena_new_shared(void);
void arena_free(struct arena *arena);
void arena_freep(struct arena **arena);
#define _cleanup_arena_ __attribute__((cleanup(arena_freep)))

void *arena_alloc(struct arena *arena, size_t size);
void *arena_copy(struct arena *arena, const void *from, size_t size);
/* Bigger copy of an old piece; the old piece stays until the arena goes. */
void *arena_grow(
	struct arena *arena, const void *old, size_t old_size, size_t new_size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A place for something that is costly to find out and the same all the time
 * that the arena lives: NULL at first, the same place again for an equal
 * key (an address of the caller's own). */
void **arena_memo(struct arena *arena, const void *key);

/* One zeroed object of a type; n of them. */
#define arena_new1(arena, type) ((type *)arena_alloc(arena, sizeof(type)))
#define arena_newn(arena, type, n) \
	((type *)arena_alloc(arena, sizeof(type) * (size_t)(n)))

#endif
