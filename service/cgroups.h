/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cgroups: this process goes where another one is, in each hierarchy. */
#ifndef STASIS_SERVICE_CGROUPS_H
#define STASIS_SERVICE_CGROUPS_H

#include <stdbool.h>

#include "kernel/proc.h"

/* Moves only where the two differ. Refuses by name what it cannot enter. */
int cgroups_follow(
	struct arena *arena, const struct proc *other, struct err *err);

/* Pure: one line of /proc/PID/cgroup, "4:memory:/user", and one of mountinfo.
 * The folder of the cgroup, if that is where its hierarchy is mounted;
 * NULL: it is not, or shows another part of it. */
const char *cgroups_place(
	struct arena *arena, const char *line, const char *mount);

#endif
