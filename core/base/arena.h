/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arena: memory that is given out piece by piece and freed all at once.
 *
 * A run owns one; everything a run learns lives there until the run ends.
 * Memory comes back zeroed and aligned to 16 bytes. Nothing here fails: where
 * the system has no memory left (a limit, or strict accounting; a real shortage
 * is met by the OOM killer, not here), pieces come from what was put aside for
 * that, and arena_failed tells of it, so that whoever holds others' processes
 * turns back at his next step. What is asked for beyond that ends the program:
 * after those who have something to undo (struct arena_end). Not for threads.
 */
#ifndef STASIS_BASE_ARENA_H
#define STASIS_BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;

struct arena *arena_new(void);
/* One that goes before the arena above it does. Where it has no memory it takes
 * what that one put aside, and its failures are that one's. */
struct arena *arena_new_below(struct arena *above);
/* One whose memory stays shared with forked children: a fork does not copy
 * it, so what is big and known before costs each child nothing. Only one of
 * the processes may allocate or write. above: as before, or NULL. */
struct arena *arena_new_shared(struct arena *above);
void arena_free(struct arena *arena);
void arena_freep(struct arena **arena);
#define _cleanup_arena_ __attribute__((cleanup(arena_freep)))

/*
 * Memory for when there is no more: some for all, some for those who undo
 * (struct arena_end). Called again, it makes both at least that big. -ENOMEM:
 * what was put aside before is all there is.
 */
int arena_reserve(struct arena *arena, size_t size, size_t for_ends);

/* Bytes of the first piece that was not to be had; 0: there were all. */
size_t arena_failed(const struct arena *arena);

/*
 * Whoever has something to undo before the program may end. The last one that
 * was pushed is called first, with the memory that is put aside for ends, and
 * only in the process that pushed it; if all return, the program aborts. The
 * struct is its owner's, and lives until it is popped.
 */
struct arena_end {
	void (*undo)(void *of);
	void *of;
	pid_t pid; /* the rest is the arena's */
	struct arena_end *next;
};
void arena_end_push(struct arena *arena, struct arena_end *end);
void arena_end_pop(struct arena *arena, struct arena_end *end);

/* For tests: the n-th piece from now on (1 is the next) is not to be had; with
 * all, neither from what is put aside. 0: none. */
void arena_fail_at(struct arena *arena, uint64_t n, bool all);

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
