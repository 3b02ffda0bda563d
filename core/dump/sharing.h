/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sharing: which tasks share address space, fd table, cwd and root, signal
 * actions. Equal objects get equal numbers in each task's ids message.
 */
#ifndef STASIS_DUMP_SHARING_H
#define STASIS_DUMP_SHARING_H

#include "model/dump.h"

/* The engine's own objects count as number 1, so that 2 is the first. */
enum { SHARING_FIRST_ID = 2 };

int sharing_find(struct dump *dump, struct err *err);

#endif
