/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rounds: memory stored while the tree goes on (pre-dump), so that the last
 * dump has little left to store.
 *
 * A round freezes the tree for as long as it takes to look which pages there
 * are and to have writes noted from then on; the pages themselves are copied
 * while the tree runs. What is written meanwhile counts as written for the
 * round that follows, and so does whatever was gone when it was to be copied.
 */
#ifndef STASIS_DUMP_ROUNDS_H
#define STASIS_DUMP_ROUNDS_H

#include "dump/pages.h"
#include "model/dump.h"

/* Frozen: all that is to be stored is listed and held open. */
int rounds_look(struct dump *dump, struct pages_jobs *jobs, struct err *err);
/* Let go again: it is stored. */
int rounds_store(struct dump *dump, struct pages_jobs *jobs, struct err *err);

#endif
