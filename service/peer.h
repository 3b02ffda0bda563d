/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * peer: the client at the other end of a socket, as the kernel knows it.
 *
 * Its ids and groups are those of the moment when it connected, its pidfd
 * holds that very process. A confined peer is one whose rights are less than
 * ours: peer_become gives its worker the peer's ids and groups and leaves it
 * no capability but CAP_CHECKPOINT_RESTORE, so that from then on the kernel
 * itself refuses what the client could not do.
 */
#ifndef STASIS_SERVICE_PEER_H
#define STASIS_SERVICE_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "model/run.h"

struct peer {
	pid_t pid; /* 0: not visible from here */
	int pidfd; /* -1: it has ended, or the kernel is too old */
	struct run_owner owner;
	bool confined;
};

int peer_read(
	int socket, struct arena *arena, struct peer *ret, struct err *err);
void peer_close(struct peer *peer);
/* Is pid still that process? */
bool peer_lives(const struct peer *peer);
/* With all that holds it back (restraint.h) and its login, too. */
int peer_become(struct arena *arena, const struct peer *peer, struct err *err);

#endif
