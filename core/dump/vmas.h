/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmas: from an area of /proc/PID/smaps to the image's vma_entry. */
#ifndef STASIS_DUMP_VMAS_H
#define STASIS_DUMP_VMAS_H

#include "model/dump.h"
#include "model/vma.h"

/* All of a victim; [vvar] and [vvar_vclock] become one. The entries are in
 * the order of the addresses; areas[i] is the first map of entry i. */
int vmas_capture(struct dump *dump, struct victim *victim, MmEntry *mm,
	const struct map ***ret_maps, struct err *err);

/* The same for one who only looks at the pages: no files are captured, and
 * nothing is refused. */
void vmas_sketch(struct dump *dump, struct victim *victim, MmEntry *mm,
	const struct map ***ret_maps);

#endif
