/* SPDX-License-Identifier: GPL-2.0-or-later */
/* capture: tasks and threads into messages, and the images of the tree. */
#ifndef STASIS_DUMP_CAPTURE_H
#define STASIS_DUMP_CAPTURE_H

#include "model/dump.h"

/* Every thread's CoreEntry, through the backend and all kinds. */
int capture_threads(struct dump *dump, struct err *err);
/* pstree, core, ids, inventory, seccomp and our own extra image. */
int capture_tree(struct dump *dump, struct err *err);

#endif
