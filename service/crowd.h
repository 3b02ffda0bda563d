/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crowd: the processes that serve clients, one for each: whether there is
 * room for one more, and an end to those that take too long.
 *
 * Of the room, a quarter is for each guest at most, a quarter for all who
 * were not invited, half for them and all who come by the group, whatever
 * their ids, and a quarter is kept for those who are trusted. Pure but
 * for crowd_kill_late.
 */
#ifndef STASIS_SERVICE_CROWD_H
#define STASIS_SERVICE_CROWD_H

#include <stdint.h>

#include "base/vec.h"
#include "service/guests.h"

struct crowd_member {
	pid_t pid;
	uid_t uid;
	enum guest guest;
	int64_t since_ms;
	bool quiet; /* the log does not tell of it (quota.h) */
};

struct crowd {
	VEC(struct crowd_member) members;
	size_t most;
	int64_t limit_ms; /* for who is not trusted; 0: none */
};

/* EAGAIN: the client must come back later. */
int crowd_check_room(const struct crowd *crowd, uid_t uid, enum guest guest,
	struct err *err);
void crowd_add(
	struct arena *arena, struct crowd *crowd, struct crowd_member member);
/* NULL: it is none. */
const struct crowd_member *crowd_find(const struct crowd *crowd, pid_t pid);
void crowd_remove(struct crowd *crowd, pid_t pid);

/* Its own timer lets a worker turn back; one that does not, because its
 * client has it wait for something or has stopped it, is killed: it holds
 * nothing that is not its client's. Returns when to look again, in
 * milliseconds from now; -1: never. */
int crowd_kill_late(struct crowd *crowd, int64_t now_ms);

#endif
