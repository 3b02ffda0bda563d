/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rights: has each thread of a newborn the ids that its image says, and no
 * right more? Asked of the kernel when all tapes have ended.
 */
#ifndef STASIS_RESTORE_RIGHTS_H
#define STASIS_RESTORE_RIGHTS_H

#include "kernel/proc.h"
#include "model/tree.h"

/* Pure. -EPERM: it has not; the err says what of thread tid is another. */
int rights_check(struct arena *arena, const CredsEntry *creds,
	const struct proc_status *status, pid_t tid, struct err *err);
/* All threads. An image that does not say who a thread is forbids nothing. */
int rights_verify(const struct task *task, struct err *err);

#endif
