/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attend: a client's own process, from the service's fork to its end.
 *
 * It sets its time limit, becomes the client if that is to be confined, and
 * only then reads what the client says (worker.h). Until a guest is admitted
 * it has the fd of the service's log, to tell there why he is not.
 */
#ifndef STASIS_SERVICE_ATTEND_H
#define STASIS_SERVICE_ATTEND_H

#include <signal.h>

#include "service/guests.h"

/* A worker's timer lets it turn back so many times its --request-timeout
 * before others lose patience with it. */
enum { ATTEND_PATIENCE = 2 };

/* seconds: for all that the client asks, 0: no limit; mask: for signals, as
 * it was before the service began; log: the fd of its log, -1: it is not to
 * tell of this client. */
void attend_client(struct arena *arena, int socket, struct peer *peer,
	const struct guests *guests, int seconds, const sigset_t *mask, int log)
	__attribute__((noreturn));

#endif
