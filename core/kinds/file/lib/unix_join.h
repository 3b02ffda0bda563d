/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unix_join: how unix sockets come together again at restore.
 *
 * Two that are connected to each other are made at once: by socketpair(2), or,
 * where one was accepted and so has a listener's name, by connect and accept
 * of that listener, or of one that is only made for this. A stream whose other
 * end is gone gets one that goes again, when all is said.
 *
 * When all are there: queues are filled; datagram sockets are connected, each
 * before the one that it talks to, which from then on hears nobody else; those
 * who wait to be accepted connect; then come ends of ways, and options.
 */
#ifndef STASIS_KINDS_FILE_LIB_UNIX_JOIN_H
#define STASIS_KINDS_FILE_LIB_UNIX_JOIN_H

#include "model/restore.h"

enum { UNIX_OUTSIDE = 1 /* uflags: a name only, of one outside of the tree */ };

/* The verbs of the kind (model/kind.h). */
int unix_join_load(struct restore *restore, struct err *err);
int unix_join_plan(
	const struct plan_view *view, struct object *object, struct err *err);
int unix_join_make(struct restore *restore, struct object *object, int *ret_fd,
	struct err *err);
int unix_join_link(struct restore *restore, struct object *object, int fd,
	struct err *err);

#endif
