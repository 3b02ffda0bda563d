/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discover: from frozen processes to the tree of tasks, by looking only.
 *
 * Reads /proc for every victim, refuses what cannot be saved (other
 * namespaces, shared address spaces, ...), links the tree, and finds which
 * kernel objects tasks share (kcmp). Nothing in a victim changes.
 */
#ifndef STASIS_DUMP_DISCOVER_H
#define STASIS_DUMP_DISCOVER_H

#include "model/dump.h"

int discover_victims(struct dump *dump, struct err *err);

/* For a round: what is needed to look at their memory, and no more. */
int discover_briefly(struct dump *dump, struct err *err);

#endif
