/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * birth: the tree comes into being, up to the moment when each task is about
 * to play its tape.
 *
 * The coordinator forks the root, tasks fork their children; each newborn
 * runs the skeleton (skeleton.h). birth_abort kills whatever was born and
 * reaps it, so that a failed restore leaves nobody behind.
 */
#ifndef STASIS_RESTORE_BIRTH_H
#define STASIS_RESTORE_BIRTH_H

#include "model/restore.h"
#include "plan/plan.h"
#include "restore/board.h"
#include "restore/reels.h"

struct birth_ward {
	struct restore *restore;
	struct plan *plan;
	struct board *board;
	struct reels reels;
	size_t n_tasks;	    /* that play a tape */
	bool was_subreaper; /* the coordinator, before */
	int time_ns;	    /* the coordinator's own, to return to; -1: never
			     * left */
};

int birth_begin(struct birth_ward *ward, struct err *err);
/* Fork the tree; returns when every task waits for its tape. */
int birth_tree(struct birth_ward *ward, struct err *err);
void birth_abort(struct birth_ward *ward);
void birth_end(struct birth_ward *ward);

#endif
