/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lazy: the restore's side of lazy pages (--lazy-pages): each newborn makes a
 * userfaultfd of its memory, the coordinator takes it from there and gives it
 * to the daemon, and tells the daemon when the tree is let go.
 *
 * All do nothing without --lazy-pages.
 */
#ifndef STASIS_RESTORE_LAZY_H
#define STASIS_RESTORE_LAZY_H

#include "restore/ward.h"

/* Connects to the daemon, before anything is made. */
int lazy_begin(struct restore *restore, struct err *err);
void lazy_end(struct restore *restore);

/* In a newborn that forks no more. */
int lazy_open(const struct birth_ward *ward, const struct plan_task *pt,
	struct err *err);
/* In the coordinator, when all are ready to play. */
int lazy_announce(const struct birth_ward *ward, struct err *err);
/* The last moment: the daemon is there, and knows that they go. */
int lazy_finish(const struct restore *restore, struct err *err);

#endif
