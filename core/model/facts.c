/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"

static int last_cap_read(
	struct arena *arena, struct facts *facts, struct err *err)
{
	const char *path = "/proc/sys/kernel/cap_last_cap";
	size_t size;
	char *text;
	int ret;

	ret = io_read_file(arena, -1, path, &text, &size);
	if (ret)
		return err_code(err, ret, "reading %s", path);
	facts->last_cap = (uint32_t)strtoul(text, NULL, 10);
	if (!facts->last_cap || facts->last_cap > 63)
		return err_set(err, EPROTO, "%s says '%s'", path, text);
	return 0;
}

static int status_use(struct arena *arena, const struct proc *proc,
	struct facts *facts, struct err *err)
{
	struct proc_status status;
	int ret;

	ret = proc_status_read(arena, proc, 0, &status, err);
	if (ret)
		return ret;
	memcpy(facts->uid, status.uid, sizeof(facts->uid));
	memcpy(facts->gid, status.gid, sizeof(facts->gid));
	facts->groups = status.groups;
	facts->n_groups = status.groups_n;
	facts->cap_inh = status.cap_inh;
	facts->cap_prm = status.cap_prm;
	facts->cap_bnd = status.cap_bnd;
	facts->cap_amb = status.cap_amb;
	facts->no_new_privs = status.no_new_privs > 0;
	return 0;
}

static int prctls_use(struct facts *facts, struct err *err)
{
	long value;

	value = prctl(PR_GET_SECUREBITS);
	if (value < 0)
		return err_errno(err, "prctl(PR_GET_SECUREBITS)");
	facts->securebits = (uint32_t)value;
	value = prctl(PR_GET_TIMERSLACK);
	facts->timerslack = value > 0 ? (uint64_t)value : 0;
	value = prctl(PR_GET_DUMPABLE);
	if (value < 0)
		return err_errno(err, "prctl(PR_GET_DUMPABLE)");
	facts->dumpable = (int)value;
	return 0;
}

/* Kernels without core dumps have none. */
static int suid_dumpable_read(
	struct arena *arena, struct facts *facts, struct err *err)
{
	const char *path = "/proc/sys/fs/suid_dumpable";
	char *text;
	int ret = io_read_file(arena, -1, path, &text, NULL);

	if (ret == -ENOENT)
		return 0;
	if (ret)
		return err_code(err, ret, "reading %s", path);
	facts->suid_dumpable = atoi(text);
	return 0;
}

static int rlimits_use(struct facts *facts, struct err *err)
{
	struct rlimit limit;

	for (int i = 0; i < FACTS_RLIMITS; i++) {
		if (prlimit(0, (enum __rlimit_resource)i, NULL, &limit))
			return err_errno(err, "reading our resource limits");
		facts->rlimits[i].cur = limit.rlim_cur;
		facts->rlimits[i].max = limit.rlim_max;
	}
	return 0;
}

static int cpus_use(struct arena *arena, struct facts *facts, struct err *err)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN), allowed = 0;
	uint64_t *words;
	size_t n;
	int ret;

	ret = sched_affinity_read(arena, 0, &words, &n, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < n; i++)
		allowed += __builtin_popcountll(words[i]);
	facts->affinity_all = allowed >= online;
	return 0;
}

static int texts_use(
	const struct proc *proc, struct facts *facts, struct err *err)
{
	int ret;

	ret = proc_read_personality(proc, &facts->personality, err);
	if (!ret)
		ret = proc_read_oom_score_adj(proc, &facts->oom_score_adj, err);
	if (!ret)
		ret = proc_read_loginuid(proc, &facts->loginuid, err);
	if (!ret)
		ret = proc_read_coredump_filter(
			proc, &facts->coredump_filter, err);
	return ret;
}

int facts_read(struct arena *arena, struct kernel_features *features,
	struct facts *ret_facts, struct err *err)
{
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	struct facts facts = {.proc_fd = -1};
	int ret, mode = 0;

	ret = proc_open(getpid(), &proc, err);
	if (!ret)
		ret = last_cap_read(arena, &facts, err);
	if (!ret)
		ret = status_use(arena, &proc, &facts, err);
	if (!ret)
		ret = prctls_use(&facts, err);
	if (!ret)
		ret = suid_dumpable_read(arena, &facts, err);
	if (!ret)
		ret = rlimits_use(&facts, err);
	if (!ret)
		ret = texts_use(&proc, &facts, err);
	if (!ret)
		ret = sched_attrs_read(0, &facts.sched, err);
	if (!ret)
		ret = sched_ioprio_read(0, &facts.ioprio, err);
	if (!ret)
		ret = cpus_use(arena, &facts, err);
	if (ret)
		return err_wrap(err, "learning what new tasks inherit");
	facts.mempolicy =
		!syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0) && mode;
	facts.timer_restore_ids =
		features_have(features, FEATURE_TIMER_RESTORE_IDS);
	*ret_facts = facts;
	return 0;
}

uint64_t facts_all_caps(const struct facts *facts)
{
	return facts->last_cap >= 63 ? UINT64_MAX
				     : (1ull << (facts->last_cap + 1)) - 1;
}

void facts_enter_userns(struct facts *facts)
{
	memset(facts->uid, 0, sizeof(facts->uid));
	memset(facts->gid, 0, sizeof(facts->gid));
	facts->groups = NULL;
	facts->n_groups = 0;
	facts->cap_prm = facts->cap_bnd = facts_all_caps(facts);
	facts->cap_inh = facts->cap_amb = 0;
	facts->securebits = 0;
}
