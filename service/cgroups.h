/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cgroups: this process goes where another one is, in each hierarchy. */
#ifndef STASIS_SERVICE_CGROUPS_H
#define STASIS_SERVICE_CGROUPS_H

#include "kernel/proc.h"

/* Moves only where the two differ. Refuses by name what it cannot enter. */
int cgroups_follow(
	struct arena *arena, const struct proc *other, struct err *err);

#endif
