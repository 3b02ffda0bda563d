/* SPDX-License-Identifier: GPL-2.0-or-later */
/* make: the shelf: every object once, under the number the plan gave it. */
#ifndef STASIS_RESTORE_MAKE_H
#define STASIS_RESTORE_MAKE_H

#include "model/restore.h"
#include "plan/plan.h"

int make_shelf(struct restore *restore, struct plan *plan, struct err *err);
void make_clear(const struct plan *plan);

#endif
