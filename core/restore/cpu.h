/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpu: can the tasks of the images go on at this host's CPU?
 *
 * Asked before anything of them is made. With CPU_CAP_IMAGE the whole CPU of
 * the dump's host is compared with this one. In any case the registers of
 * each thread are tried on a process of this host's, so that what is really
 * in use and not there is found, by its name.
 */
#ifndef STASIS_RESTORE_CPU_H
#define STASIS_RESTORE_CPU_H

#include "model/restore.h"

int cpu_check(struct restore *restore, struct err *err);

/* A thread's registers, as the image and what lies beside it tell them, in
 * the form that this host takes; ret must be zeroed. */
int cpu_thread_regs(struct arena *arena, const struct backend *be,
	const struct thread *thread, const struct regs *here, struct regs *ret,
	struct err *err);

#endif
