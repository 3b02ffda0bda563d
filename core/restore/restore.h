/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * restore: the walk from images to running tasks.
 *
 * read, plan, make, birth, perform, place, depart. Up to depart a failure
 * kills the newborns and leaves the host as it was.
 */
#ifndef STASIS_RESTORE_RESTORE_H
#define STASIS_RESTORE_RESTORE_H

#include <stdio.h>

#include "model/run.h"

int restore_run(struct run *run, pid_t *ret_root, struct err *err);
/* What restore_run would do, on any machine; nothing is touched. */
int restore_plan_print(struct run *run, FILE *out, struct err *err);

#endif
