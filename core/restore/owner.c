/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/owner.h"

#include <errno.h>

static bool group_is_his(const struct run_owner *owner, uint32_t group)
{
	if (group == owner->gid)
		return true;
	for (size_t i = 0; i < owner->n_groups; i++)
		if (owner->groups[i] == group)
			return true;
	return false;
}

static bool ids_are_his(const struct run_owner *owner, const CredsEntry *creds)
{
	return creds->uid == owner->uid && creds->euid == owner->uid &&
	       creds->suid == owner->uid && creds->fsuid == owner->uid &&
	       creds->gid == owner->gid && creds->egid == owner->gid &&
	       creds->sgid == owner->gid && creds->fsgid == owner->gid;
}

static bool caps_any(const uint32_t *words, size_t n)
{
	uint32_t all = 0;

	for (size_t i = 0; i < n; i++)
		all |= words[i];
	return all != 0;
}

static int creds_check(const struct run_owner *owner, const CredsEntry *creds,
	pid_t tid, struct err *err)
{
	if (!creds)
		return err_set(err, EPERM,
			"the images do not say who thread %d is", tid);
	if (!ids_are_his(owner, creds))
		return err_set(err, EPERM,
			"thread %d is user %u, group %u; the request was made "
			"by user %u, group %u",
			tid, creds->uid, creds->gid, owner->uid, owner->gid);
	for (size_t i = 0; i < creds->n_groups; i++)
		if (!group_is_his(owner, creds->groups[i]))
			return err_set(err, EPERM,
				"thread %d is in group %u, user %u is not", tid,
				creds->groups[i], owner->uid);
	if (caps_any(creds->cap_prm, creds->n_cap_prm) ||
		caps_any(creds->cap_eff, creds->n_cap_eff) ||
		caps_any(creds->cap_inh, creds->n_cap_inh) ||
		caps_any(creds->cap_amb, creds->n_cap_amb))
		return err_set(err, EPERM,
			"thread %d has capabilities, which user %u may not "
			"give it",
			tid, owner->uid);
	return 0;
}

int owner_check_images(struct restore *restore, struct err *err)
{
	const struct run_owner *owner = restore->run->owner;
	const struct task *task;
	int code = 0;

	for (size_t t = 0; owner && t < restore->tree.tasks.n; t++) {
		task = restore->tree.tasks.at[t];
		if (task->state == TASK_DEAD)
			continue;
		for (size_t i = 0; i < task->n_threads && !code; i++)
			code = creds_check(owner,
				task->threads[i].core->thread_core
					? task->threads[i]
						  .core->thread_core->creds
					: NULL,
				task->threads[i].tid, err);
	}
	return code;
}
