/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * freeze: stops every thread of a process tree, and lets all go again.
 *
 * The tree is searched until nothing new turns up: a frozen process cannot
 * fork, so the search ends. Whatever happens, freeze_release lets go of all
 * that was seized so far.
 */
#ifndef STASIS_DUMP_FREEZE_H
#define STASIS_DUMP_FREEZE_H

#include "model/dump.h"

enum freeze_release {
	RELEASE_RUN,  /* as it was before: running, or stopped */
	RELEASE_STOP, /* stopped, whatever it was */
	RELEASE_KILL, /* the images have taken its place */
};

/* Fills dump->victims: parents before children. ESRCH: no such process;
 * EBUSY: traced; EINVAL: us, our ancestor, init or a kernel thread;
 * ETIMEDOUT: a thread did not stop in time. */
int freeze_tree(struct dump *dump, pid_t root, struct err *err);
int freeze_release(struct dump *dump, enum freeze_release how, struct err *err);

#endif
