/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * regs: fetching and placing the registers of a stopped thread, set by set.
 *
 * One loop over the backend's regset table serves capture, the cure after an
 * injection, and the last step of restore. A set whose bytes are NULL is
 * absent and left alone. The thread must be in a ptrace stop; for placing,
 * one that it reached through a trap instruction (see ARCHITECTURE), or
 * through a call that was made with the registers that are placed: x7 of
 * aarch64 cannot be changed at the stops of a call (Linux 6.12).
 */
#ifndef STASIS_INJECT_REGS_H
#define STASIS_INJECT_REGS_H

#include <sys/types.h>

#include "backend.h"

/* The bytes come from the arena. */
int regs_fetch(struct arena *arena, const struct backend *be, pid_t tid,
	struct regs *ret, struct err *err);
int regs_place(const struct backend *be, pid_t tid, const struct regs *regs,
	struct err *err);
/* A copy whose bytes may be changed. */
struct regs regs_copy(struct arena *arena, const struct regs *from);

#endif
