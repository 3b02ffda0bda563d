/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vdso: a thread that was stopped inside the kernel's code in its process.
 *
 * Where it is restored under another kernel, that code and its data are not
 * the same: a function begun with the old data would end with none. So the
 * thread goes on, instruction by instruction, until it is out of the vdso, or
 * at a system call there. It only does what it would have done
 * next; nobody else runs, signals wait.
 */
#ifndef STASIS_INJECT_VDSO_H
#define STASIS_INJECT_VDSO_H

#include <stdbool.h>

#include "backend.h"
#include "kernel/maps.h"
#include "kernel/memory.h"

/* The thread is ptrace-stopped and does not ignore SIGTRAP, which a step
 * would undo. pc: where it stands, in vdso. sigmask: its own, which it has
 * again afterwards. A stop signal that came meanwhile is added to *held.
 * ret_moved: registers are to be fetched again. One that is still there after
 * many steps is left where it is, no error: it repeats its reading, and with
 * no data it makes a system call. */
int vdso_leave(const struct backend *be, const struct memory *memory,
	const struct map *vdso, pid_t tid, uint64_t pc, uint64_t sigmask,
	uint64_t *held, bool *ret_moved, struct err *err);

#endif
