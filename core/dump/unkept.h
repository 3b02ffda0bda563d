/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unkept: what can be seen of a frozen process from outside and could not be
 * given back to it: refused by name, before anything is touched.
 *
 * Semaphores that would be released (SEM_UNDO), threads that left the open
 * files, the directories or the namespaces of their process, controlling
 * terminals, I/O flushers, core scheduling, ports of x86.
 */
#ifndef STASIS_DUMP_UNKEPT_H
#define STASIS_DUMP_UNKEPT_H

#include "model/dump.h"

/* The victim's threads are stopped and were looked at. */
int unkept_check(
	struct dump *dump, const struct victim *victim, struct err *err);
/* When the tree is linked. */
int unkept_check_terminals(const struct dump *dump, struct err *err);

#endif
