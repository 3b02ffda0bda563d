/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * restraint: what holds a client back besides its ids, for its worker to be
 * held back by, too: nothing that it runs for him may do what he may not.
 *
 * Taken over are the bounding set, no_new_privs, cgroups, niceness, policy,
 * CPUs and priority of I/O, the cookie of core scheduling, oom_score_adj, umask
 * and limits (of memory and stack only the hard ones: the engine needs some).
 * What cannot be taken over or cannot be seen is refused by name: seccomp
 * filters, other namespaces, another root directory, a security label that the
 * kernel does not give us, and, where the kernel has Landlock, whatever
 * no_new_privs may stand for. swrk is for those: it is restrained as its caller
 * is.
 */
#ifndef STASIS_SERVICE_RESTRAINT_H
#define STASIS_SERVICE_RESTRAINT_H

#include "service/peer.h"

/* Before the ids change: some of it needs rights that end with them. */
int restraint_take(
	struct arena *arena, const struct peer *peer, struct err *err);
/* After that: the kernel tells a user's limits to that user. */
int restraint_take_limits(const struct peer *peer, struct err *err);

#endif
