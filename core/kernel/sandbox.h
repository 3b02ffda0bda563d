/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox: a forked child that takes apart what others wrote with code that is
 * not made for that.
 *
 * It sees all that this process had in memory, reads the files that it was
 * given, computes, and writes an answer; all else that was open is closed. It
 * has no capability, and whatever else it asks the kernel for is refused
 * (seccomp): no file is opened, nothing that is open is written to, no signal
 * sent, no code mapped. Its memory, its time and its answer are bounded. What
 * it answers is as little to be trusted as what it read.
 */
#ifndef STASIS_KERNEL_SANDBOX_H
#define STASIS_KERNEL_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct sandbox {
	/* In the child; it has an arena of its own, and returns when all is
	 * written to out. */
	void (*work)(void *of, struct arena *arena, int out);
	void *of;
	/* What it reads, by itself and in any order; -1, and one that is named
	 * twice, are no matter. */
	const int *fds;
	size_t n_fds;
	int limit_ms;	   /* for all */
	uint64_t memory;   /* bytes more than this process has now */
	size_t answer_max; /* bytes */
};

/* Blocks for limit_ms at most. *ret_answer is what came, all of it or not, in
 * the arena. ETIMEDOUT, EFBIG, or ECHILD: it broke. Where the kernel gives no
 * such confinement nothing is done, and said. */
int sandbox_run(struct arena *arena, const struct sandbox *sandbox,
	char **ret_answer, size_t *ret_size, struct err *err);

#endif
