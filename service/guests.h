/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guests: who may use the service besides root and its own user.
 *
 * They are confined: their workers get their rights (peer.h). Without any,
 * nobody else may even connect.
 */
#ifndef STASIS_SERVICE_GUESTS_H
#define STASIS_SERVICE_GUESTS_H

#include "base/vec.h"
#include "options/options.h"
#include "service/peer.h"

struct guests {
	VEC(uid_t) users;
	bool has_group;
	gid_t group;
};

/* Invited by name, or as a member of the group. */
enum guest { GUEST_TRUSTED, GUEST_INVITED, GUEST_MEMBER, GUEST_UNINVITED };

/* From --allow-users and --allow-group, names or numbers. */
int guests_read(struct arena *arena, const struct options *options,
	struct guests *ret, struct err *err);
enum guest guests_judge(const struct guests *guests, const struct peer *peer);
/* Decides, too, whether the peer is confined. EPERM: it is not welcome. */
int guests_admit(
	const struct guests *guests, struct peer *peer, struct err *err);

#endif
