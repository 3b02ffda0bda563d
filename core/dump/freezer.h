/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * freezer: a cgroup whose tasks may be frozen already, and are to be left so.
 *
 * A cgroup of version 2 is frozen while the tree is being seized, so that
 * nothing moves, then thawed, for frozen tasks cannot answer. Of version 1
 * only a frozen one is touched: it must be thawed first, for there a frozen
 * task cannot even be stopped by ptrace. In the end it is as it was found,
 * whatever happened: also when the engine is killed, for that is on the
 * undo list.
 */
#ifndef STASIS_DUMP_FREEZER_H
#define STASIS_DUMP_FREEZER_H

#include "model/dump.h"

struct freezer {
	const char *path;
	int dir; /* -1: there is none; the others then do nothing */
	bool version_2, was_frozen, frozen;
	struct undo *undo;
	undo_line changed; /* it is not as it was found */
};

/* By --freeze-cgroup. EBUSY: a cgroup above it is frozen. */
int freezer_open(const struct run *run, struct freezer *ret, struct err *err);
/* Before the tree is seized; when all of it is. */
int freezer_hold(struct freezer *freezer, struct err *err);
int freezer_thaw(struct freezer *freezer, struct err *err);
/* As it was found: before tasks are let go, after they are killed. */
int freezer_return(struct freezer *freezer, struct err *err);
/* EBUSY: another cgroup keeps the tree frozen. */
int freezer_check_tree(struct dump *dump, struct err *err);
void freezer_close(struct freezer *freezer);

#endif
