/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cgroups: in which control groups the threads of the tree are, as sets: a set
 * is one cgroup of each hierarchy. */
#ifndef STASIS_DUMP_CGROUPS_H
#define STASIS_DUMP_CGROUPS_H

#include "model/dump.h"

enum { CGROUPS_OWN = 1 }; /* the number of the engine's own set */

/* Each thread's message gets its set's number; what is not the engine's own
 * goes to cgroup.img. The log says what a restore would not bring back. */
int cgroups_capture(struct dump *dump, struct err *err);

#endif
