/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cgroups: one cgroup of each hierarchy, as the image format has it. */
#ifndef STASIS_MODEL_CGROUPS_H
#define STASIS_MODEL_CGROUPS_H

#include <stdint.h>

#include "base/arena.h"
#include "proto/cgroup.pb-c.h"

/* text: of /proc/PID/cgroup. Its members are in the order of their names. */
CgSetEntry *cgroups_set_make(
	struct arena *arena, const char *text, uint32_t id);

#endif
