/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker: one process, one client, from its first request to its last.
 *
 * A request on a connection is the last one unless it says keep_open, or is a
 * round (PRE_DUMP): that is followed by another one, by a DUMP, or by nothing.
 * The exit status is that which clients know: 0 when the last request
 * succeeded, 1 when a dump or restore failed, WORKER_FAILED otherwise.
 */
#ifndef STASIS_SERVICE_WORKER_H
#define STASIS_SERVICE_WORKER_H

#include <signal.h>

#include "base/arena.h"
#include "service/peer.h"

enum { WORKER_FAILED = 255 };

struct worker {
	int socket;
	bool inherited; /* the client has started us: "swrk" */
	struct peer peer;
	struct arena *arena;	   /* of this request */
	struct options *options;   /* the same; external may become more */
	const char *const *become; /* what to be after the answer, or NULL */
	int become_out;		   /* its stdout and stderr; -1: ours */
	bool client_gone;	   /* it was dumped: nobody to answer */
	bool in_rounds; /* a round was made, and the next thing is another one,
			 * or a dump */
	sigset_t mask;	/* as it was at first, for that */
};

/* Answers until the client is done; returns the exit status. */
int worker_serve(int socket, const struct peer *peer, bool inherited);
/* The verb: a worker on a socket that was inherited. */
int worker_run_inherited(int socket, struct err *err);
/* Tells a client that nothing will be done for it. */
void worker_refuse(int socket, const struct err *err);

#endif
