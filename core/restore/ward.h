/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ward: what the steps from the first fork to the departure share. */
#ifndef STASIS_RESTORE_WARD_H
#define STASIS_RESTORE_WARD_H

#include "kernel/memory.h"
#include "model/restore.h"
#include "plan/plan.h"
#include "restore/board.h"
#include "restore/reels.h"

struct birth_ward {
	struct restore *restore;
	struct plan *plan;
	struct board *board;
	struct reels reels;
	size_t n_tasks; /* that play a tape */
	/* By task, opened while we may: without CAP_SYS_PTRACE nobody can when
	 * they are not dumpable. NULL: we have it. */
	struct memory *memories;
	uint32_t cg_set;    /* that this process has entered, or tried to */
	bool was_subreaper; /* the coordinator, before */
	int time_ns;	    /* the coordinator's own, to return to; -1: never
			     * left */
};

#endif
