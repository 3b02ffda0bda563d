/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seccomp_book: the filters of all threads, as seccomp.img has them.
 *
 * Each filter names the one that was installed before it (prev), always with
 * a lower index; a thread names its newest. A book is filled while dumping
 * and holds equal chains once, so that threads which share filters name the
 * same ones. A chain is read back, the oldest first, for installing.
 */
#ifndef STASIS_KINDS_TASK_LIB_SECCOMP_BOOK_H
#define STASIS_KINDS_TASK_LIB_SECCOMP_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/tree.h"
#include "proto/security.pb-c.h"

/* No filter: below the first one of a chain. */
enum { SECCOMP_NONE = -1 };

struct seccomp_book {
	SeccompEntry entry; /* to be written as it is */
	size_t room;
};

struct seccomp_book *seccomp_book_new(struct arena *arena);
/* The index of a filter with these bytes and flags on top of prev; it is
 * added if the book has none. */
int seccomp_book_add(struct arena *arena, struct seccomp_book *book, int prev,
	const void *bytes, size_t size, uint32_t flags);

/* Filters of one thread, indices into seccomp.img, the oldest first. */
struct seccomp_chain {
	const uint32_t *at;
	size_t n;
};
/* seccomp may be NULL when no thread has filters. */
int seccomp_chain_read(struct arena *arena, const SeccompEntry *seccomp,
	const struct thread *thread, struct seccomp_chain *ret,
	struct err *err);
SeccompMode seccomp_mode_of(const struct thread *thread);

/* How many filters, from the oldest on, all threads of a task have alike. */
int seccomp_chain_common(struct arena *arena, const SeccompEntry *seccomp,
	const struct task *task, size_t *ret_n, struct err *err);

#endif
