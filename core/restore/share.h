/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * share: the coordinator fills its share of a big task's memory, while the
 * task itself reads the rest.
 */
#ifndef STASIS_RESTORE_SHARE_H
#define STASIS_RESTORE_SHARE_H

#include "restore/ward.h"
#include "stats/progress.h"

/* The task must have told that its areas are there (reel_words.mapped). */
int share_fill(struct birth_ward *ward, const struct plan_task *pt,
	struct progress *progress, struct err *err);

#endif
