/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perform: every task plays its tape under our eyes, and is then given its
 * registers. Up to the last moment a failure can still undo everything.
 */
#ifndef STASIS_RESTORE_PERFORM_H
#define STASIS_RESTORE_PERFORM_H

#include "kernel/ptrace.h"
#include "restore/ward.h"

/* How long a newborn may take to stop, or for one system call. */
struct patience perform_patience(const struct birth_ward *ward);

/* Seizes all tasks and lets them play; returns when all threads stand at the
 * end of their tapes, or one has failed. */
int perform_tapes(struct birth_ward *ward, struct err *err);
/* The zone goes, then each task is what its image says about being dumpable,
 * and its threads get registers and signal masks. */
int perform_place(struct birth_ward *ward, struct err *err);
/* What was held open of the tasks, whatever became of them. */
void perform_forget(struct birth_ward *ward);
/* Up to here they die with who traces them; from here on they would live. */
int perform_commit(struct birth_ward *ward, struct err *err);
/* Off they go: running, or stopped. */
int perform_depart(struct birth_ward *ward, struct err *err);

#endif
