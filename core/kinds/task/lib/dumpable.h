/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dumpable: what a task is about being dumpable when its tapes have ended, and
 * what it is to be in the end; pure. The last step of a restore makes the one
 * the other. Values of prctl(PR_GET_DUMPABLE).
 */
#ifndef STASIS_KINDS_TASK_LIB_DUMPABLE_H
#define STASIS_KINDS_TASK_LIB_DUMPABLE_H

#include "model/facts.h"
#include "model/tree.h"

enum { DUMPABLE_NOT, DUMPABLE_USER, DUMPABLE_ROOT };

int dumpable_played(const struct task *task, const struct facts *facts);
/* Never DUMPABLE_ROOT but where it is so already. */
int dumpable_wanted(const struct task *task, const struct facts *facts);

#endif
