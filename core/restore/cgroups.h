/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroups: newborns go to the control groups that they were in, where these
 * are there still and take them. Where they do not, the log says so, and the
 * newborns stay where the engine is.
 *
 * Each goes there itself before it forks its children, who then are there
 * already. Threads of other groups than their leader's, and tasks of groups
 * that are frozen, are moved at the very end.
 *
 * None is moved in the name of a user, who would escape from limits, and none
 * by who is not root.
 */
#ifndef STASIS_RESTORE_CGROUPS_H
#define STASIS_RESTORE_CGROUPS_H

#include "restore/ward.h"

int cgroups_read(struct restore *restore, struct err *err);

/* In a newborn: is to be its task. */
void cgroups_join(struct birth_ward *ward, const struct task *task);
/* When all threads stand still, with their registers. */
void cgroups_finish(struct birth_ward *ward);

#endif
