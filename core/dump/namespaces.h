/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * namespaces: victims must live in the engine's own namespaces; only their
 * time namespace may differ (a restore puts its tasks into a new one), and
 * must then be the same for all of them.
 */
#ifndef STASIS_DUMP_NAMESPACES_H
#define STASIS_DUMP_NAMESPACES_H

#include "model/dump.h"

int namespaces_check(struct dump *dump, struct victim *victim, struct err *err);
void namespaces_fill(
	const struct dump *dump, const struct victim *, TaskKobjIdsEntry *ids);
/* The ids of the engine's own namespaces, for the inventory. */
void namespaces_fill_own(TaskKobjIdsEntry *ids);
/* timens image: the victims' clocks, now. */
int namespaces_capture_time(struct dump *dump, struct err *err);

#endif
