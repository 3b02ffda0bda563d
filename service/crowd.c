/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/crowd.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>

#include "base/log.h"

enum { SHARE = 4 };

static size_t members_count(const struct crowd *crowd, enum guest guest)
{
	size_t n = 0;

	for (size_t i = 0; i < crowd->members.n; i++)
		n += crowd->members.at[i].guest == guest;
	return n;
}

static size_t members_of(const struct crowd *crowd, uid_t uid)
{
	size_t n = 0;

	for (size_t i = 0; i < crowd->members.n; i++)
		n += crowd->members.at[i].uid == uid;
	return n;
}

/* What others leave for those who are trusted. */
static size_t most_others(const struct crowd *crowd)
{
	size_t kept = crowd->most / SHARE ?: crowd->most > 1;

	return crowd->most - kept;
}

static bool room_is(const struct crowd *crowd, uid_t uid, enum guest guest)
{
	size_t all = crowd->members.n, most = crowd->most;

	if (guest == GUEST_TRUSTED)
		return all < most;
	if (all - members_count(crowd, GUEST_TRUSTED) >= most_others(crowd) ||
		all >= most)
		return false;
	/* One member of the group may have many ids. */
	if (guest != GUEST_INVITED &&
		(members_count(crowd, GUEST_MEMBER) +
			members_count(crowd, GUEST_UNINVITED)) *
				2 >=
			most)
		return false;
	if (guest == GUEST_UNINVITED)
		return members_count(crowd, guest) * SHARE < most;
	return members_of(crowd, uid) * SHARE < most;
}

int crowd_check_room(
	const struct crowd *crowd, uid_t uid, enum guest guest, struct err *err)
{
	if (room_is(crowd, uid, guest))
		return 0;
	err_set(err, EAGAIN,
		"the service is busy with %zu requests, %zu of them of user %u",
		crowd->members.n, members_of(crowd, uid), uid);
	return err_hint(err, "try again later, or raise --max-workers");
}

void crowd_add(
	struct arena *arena, struct crowd *crowd, struct crowd_member member)
{
	*vec_push(arena, &crowd->members) = member;
}

const struct crowd_member *crowd_find(const struct crowd *crowd, pid_t pid)
{
	for (size_t i = 0; i < crowd->members.n; i++)
		if (crowd->members.at[i].pid == pid)
			return &crowd->members.at[i];
	return NULL;
}

void crowd_remove(struct crowd *crowd, pid_t pid)
{
	for (size_t i = 0; i < crowd->members.n; i++)
		if (crowd->members.at[i].pid == pid) {
			crowd->members.at[i] =
				crowd->members.at[--crowd->members.n];
			return;
		}
}

int crowd_kill_late(struct crowd *crowd, int64_t now_ms)
{
	int64_t next = INT_MAX, left;
	const struct crowd_member *member;

	for (size_t i = 0; i < crowd->members.n && crowd->limit_ms; i++) {
		member = &crowd->members.at[i];
		if (member->guest == GUEST_TRUSTED)
			continue;
		left = member->since_ms + crowd->limit_ms - now_ms;
		if (left <= 0) {
			log_warn("worker %d of user %u takes too long: killed",
				member->pid, member->uid);
			kill(member->pid, SIGKILL);
			left = 1000; /* until it is reaped */
		}
		next = left < next ? left : next;
	}
	return next == INT_MAX ? -1 : (int)next;
}
