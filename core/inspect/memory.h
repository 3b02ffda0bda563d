/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory: how much of a task's memory is of which kind, and how much of it
 * is stored in its own pages. */
#ifndef STASIS_INSPECT_MEMORY_H
#define STASIS_INSPECT_MEMORY_H

#include "image/pages.h"
#include "inspect/gather.h"

void memory_sum(const MmEntry *mm, const struct pages_map *map,
	struct inspect_memory ret_sums[MEMORY_KINDS]);

#endif
