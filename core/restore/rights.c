/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/rights.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/caps.h"

static bool ids_differ(const CredsEntry *creds, const struct proc_status *is)
{
	const uint32_t uid[] = {
		creds->uid, creds->euid, creds->suid, creds->fsuid};
	const uint32_t gid[] = {
		creds->gid, creds->egid, creds->sgid, creds->fsgid};

	for (int i = 0; i < 4; i++)
		if (is->uid[i] != uid[i] || is->gid[i] != gid[i])
			return true;
	return false;
}

static int group_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int groups_check(struct arena *arena, const CredsEntry *creds,
	const struct proc_status *status, pid_t tid, struct err *err)
{
	size_t n = creds->n_groups, size = n * sizeof(uint32_t);
	uint32_t *sorted;

	/* The kernel sorts them. */
	if (status->groups_n == n &&
		(!n || !memcmp(status->groups, creds->groups, size)))
		return 0;
	sorted = arena_copy(arena, creds->groups, size);
	qsort(sorted, n, sizeof(*sorted), group_compare);
	for (size_t i = 0; i < status->groups_n; i++)
		if (!bsearch(&status->groups[i], sorted, n, sizeof(*sorted),
			    group_compare))
			return err_set(err, EPERM,
				"thread %d is in group %u, which the image "
				"does not say",
				tid, status->groups[i]);
	return 0;
}

static int caps_check(const char *set, uint64_t has, const uint32_t *words,
	size_t n, pid_t tid, struct err *err)
{
	uint64_t more = has;

	for (size_t i = 0; i < n && i < 2; i++)
		more &= ~((uint64_t)words[i] << (32 * i));
	if (!more)
		return 0;
	return err_set(err, EPERM,
		"thread %d has %s in its %s set, which the image does not say",
		tid, caps_name(__builtin_ctzll(more)), set);
}

int rights_check(struct arena *arena, const CredsEntry *creds,
	const struct proc_status *status, pid_t tid, struct err *err)
{
	int code;

	if (ids_differ(creds, status))
		return err_set(err, EPERM,
			"thread %d has become user %u, group %u instead of "
			"user %u, group %u",
			tid, status->uid[PROC_ID_EFFECTIVE],
			status->gid[PROC_ID_EFFECTIVE], creds->euid,
			creds->egid);
	code = groups_check(arena, creds, status, tid, err);
	if (!code)
		code = caps_check("permitted", status->cap_prm, creds->cap_prm,
			creds->n_cap_prm, tid, err);
	if (!code)
		code = caps_check("effective", status->cap_eff, creds->cap_eff,
			creds->n_cap_eff, tid, err);
	if (!code)
		code = caps_check("inheritable", status->cap_inh,
			creds->cap_inh, creds->n_cap_inh, tid, err);
	if (!code)
		code = caps_check("ambient", status->cap_amb, creds->cap_amb,
			creds->n_cap_amb, tid, err);
	if (!code)
		code = caps_check("bounding", status->cap_bnd, creds->cap_bnd,
			creds->n_cap_bnd, tid, err);
	if (!code && creds->no_new_privs && status->no_new_privs == 0)
		code = err_set(err, EPERM,
			"thread %d may get new privileges, against the image",
			tid);
	return code;
}

int rights_verify(const struct task *task, struct err *err)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	int code = proc_open(task->host, &proc, err);
	struct proc_status status;
	const CredsEntry *creds;

	for (size_t i = 0; i < task->n_threads && !code; i++) {
		creds = task->threads[i].core->thread_core->creds;
		if (!creds)
			continue;
		code = proc_status_read(
			arena, &proc, task->threads[i].host, &status, err);
		if (!code)
			code = rights_check(arena, creds, &status,
				task->threads[i].tid, err);
	}
	return code;
}
