/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * daemon: the verb "service": accepts clients until it is told to end.
 *
 * Each client gets a process of its own (worker.h), so that one that hangs,
 * breaks or is broken into harms no other. At most --max-workers run at once,
 * of one confined user a quarter of them. A client that says nothing for
 * --request-timeout seconds is given up, and a walk that takes longer is
 * undone. INT and TERM end the daemon, but not its workers.
 */
#ifndef STASIS_SERVICE_DAEMON_H
#define STASIS_SERVICE_DAEMON_H

#include "base/arena.h"
#include "base/err.h"
#include "options/options.h"

/* Returns when it has been ended. In a worker it does not return. */
int daemon_run(
	struct arena *arena, const struct options *options, struct err *err);

#endif
