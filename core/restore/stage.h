/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stage: memory that children inherit, filled before they are forked.
 *
 * What a task got from its parent is compared page by page with its own
 * image: equal pages stay shared, others are written, and those that it no
 * longer has are dropped.
 */
#ifndef STASIS_RESTORE_STAGE_H
#define STASIS_RESTORE_STAGE_H

#include "restore/ward.h"

/* The task's pages files must be in their slots. */
int stage_memory(
	struct birth_ward *ward, struct plan_task *pt, struct err *err);

#endif
