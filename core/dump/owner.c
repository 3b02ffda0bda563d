/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/owner.h"

#include <errno.h>

static int thread_check(const struct run_owner *owner,
	const struct proc_status *status, pid_t pid, struct err *err)
{
	for (int i = 0; i < 4; i++)
		if (status->uid[i] != owner->uid ||
			status->gid[i] != owner->gid)
			return err_set(err, EPERM,
				"process %d is user %u, group %u; the request "
				"was made by user %u, group %u",
				pid, status->uid[i], status->gid[i], owner->uid,
				owner->gid);
	if (status->cap_prm || status->cap_amb)
		return err_set(err, EPERM,
			"process %d has capabilities, and user %u may not dump "
			"it",
			pid, owner->uid);
	return 0;
}

static int victim_check(
	struct dump *dump, struct victim *victim, struct err *err)
{
	struct proc_status status;
	int code = 0;

	if (victim->state == TASK_DEAD)
		return 0;
	for (size_t i = 0; i < victim->threads.n && !code; i++) {
		code = proc_status_read(dump->arena, &victim->proc,
			victim->threads.at[i]->tid, &status, err);
		if (!code)
			code = thread_check(
				dump->run->owner, &status, victim->pid, err);
	}
	return code;
}

int owner_check_victims(struct dump *dump, struct err *err)
{
	int code = 0;

	if (!dump->run->owner)
		return 0;
	for (size_t i = 0; i < dump->victims.n && !code; i++)
		code = victim_check(dump, dump->victims.at[i], err);
	return code;
}
