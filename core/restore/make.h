/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * make: the shelf: every object once, under the number the plan gave it; and
 * what only one task holds, in that task.
 *
 * Nothing is put under a number that is not known to be free.
 */
#ifndef STASIS_RESTORE_MAKE_H
#define STASIS_RESTORE_MAKE_H

#include "model/restore.h"
#include "plan/plan.h"

int make_shelf(struct restore *restore, struct plan *plan, struct err *err);
/* Also the limit of open files becomes what it was. */
void make_clear(struct restore *restore, const struct plan *plan);

/* In a newborn whose other numbers are in place, with the coordinator's root
 * directory still. What it opens for a moment is closed; its memory is not
 * freed. */
int make_apart(const struct restore *restore, const struct plan *plan,
	const struct plan_task *pt, struct err *err);

#endif
