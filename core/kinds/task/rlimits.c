/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rlimits: the resource limits of a task.
 *
 * A hard limit above the newborn's own needs CAP_SYS_RESOURCE; a restore
 * without it fails rather than bring a task back with less than it had.
 */
#include "kinds/table.h"
#include "model/dump.h"
#include "model/facts.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/resource.h>

struct limit {
	uint64_t cur, max;
};

static int rlimits_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	TaskRlimitsEntry *all = arena_new1(dump->arena, TaskRlimitsEntry);
	struct proc_limit limits[FACTS_RLIMITS];
	RlimitEntry *entry;
	int ret;

	ret = proc_limits_read(
		&sight->victim->proc, limits, FACTS_RLIMITS, err);
	if (ret)
		return ret;
	task_rlimits_entry__init(all);
	all->n_rlimits = FACTS_RLIMITS;
	all->rlimits = arena_newn(dump->arena, RlimitEntry *, FACTS_RLIMITS);
	for (size_t i = 0; i < FACTS_RLIMITS; i++) {
		entry = all->rlimits[i] = arena_new1(dump->arena, RlimitEntry);
		rlimit_entry__init(entry);
		entry->cur = limits[i].cur;
		entry->max = limits[i].max;
	}
	((CoreEntry *)msg)->tc->rlimits = all;
	return 0;
}

/* As ulimit(1) and limits.conf(5) know them. */
static const char *rlimit_name(size_t i)
{
	static const char *const names[FACTS_RLIMITS] = {
		[RLIMIT_CPU] = "CPU time in seconds (RLIMIT_CPU)",
		[RLIMIT_FSIZE] = "size of a file (RLIMIT_FSIZE)",
		[RLIMIT_DATA] = "size of data (RLIMIT_DATA)",
		[RLIMIT_STACK] = "size of the stack (RLIMIT_STACK)",
		[RLIMIT_CORE] = "size of a core dump (RLIMIT_CORE)",
		[RLIMIT_RSS] = "resident memory (RLIMIT_RSS)",
		[RLIMIT_NPROC] = "processes of the user (RLIMIT_NPROC)",
		[RLIMIT_NOFILE] = "open files (RLIMIT_NOFILE)",
		[RLIMIT_MEMLOCK] = "locked memory (RLIMIT_MEMLOCK)",
		[RLIMIT_AS] = "size of memory (RLIMIT_AS)",
		[RLIMIT_LOCKS] = "file locks (RLIMIT_LOCKS)",
		[RLIMIT_SIGPENDING] = "waiting signals (RLIMIT_SIGPENDING)",
		[RLIMIT_MSGQUEUE] = "message queues (RLIMIT_MSGQUEUE)",
		[RLIMIT_NICE] = "niceness (RLIMIT_NICE)",
		[RLIMIT_RTPRIO] = "real-time priority (RLIMIT_RTPRIO)",
		[RLIMIT_RTTIME] = "real-time CPU time (RLIMIT_RTTIME)",
	};

	return i < FACTS_RLIMITS && names[i] ? names[i] : "an unknown thing";
}

static const char *rlimit_text(char ret[24], uint64_t value)
{
	snprintf(ret, 24, "%llu", (unsigned long long)value);
	return value == UINT64_MAX ? "unlimited" : ret;
}

static int rlimit_check(size_t i, const struct limit *want,
	const struct holder *holder, struct err *err)
{
	const struct facts *facts = holder->facts;
	char his[24], ours[24];

	if (want->max <= facts->rlimits[i].max ||
		facts->cap_prm >> CAP_SYS_RESOURCE & 1)
		return 0;
	err_set(err, EPERM,
		"process %d had a hard limit of %s for %s, above the %s of "
		"stasis here",
		holder->task->pid, rlimit_text(his, want->max), rlimit_name(i),
		rlimit_text(ours, facts->rlimits[i].max));
	return err_hint(err,
		"start stasis with the limit raised, or with CAP_SYS_RESOURCE");
}

static int rlimits_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const TaskRlimitsEntry *all = holder->thread->core->tc->rlimits;
	struct limit want;
	uint64_t at;
	int ret;

	(void)object;
	for (size_t i = 0; all && i < all->n_rlimits; i++) {
		want = (struct limit){
			all->rlimits[i]->cur, all->rlimits[i]->max};
		/* The restore may have raised the limit of fds for itself. */
		if (i < FACTS_RLIMITS && i != RLIMIT_NOFILE &&
			want.cur == holder->facts->rlimits[i].cur &&
			want.max == holder->facts->rlimits[i].max)
			continue;
		if (i >= FACTS_RLIMITS)
			return err_set(err, EINVAL,
				"the image of task %d has %zu resource limits",
				holder->task->pid, all->n_rlimits);
		ret = rlimit_check(i, &want, holder, err);
		if (ret)
			return ret;
		tape_about(tape, "limit of %s", rlimit_name(i));
		at = tape_data(tape, &want, sizeof(want));
		tape_call(tape, CALL_prlimit64, A(0), A(i), A_DATA(at), A(0));
	}
	return 0;
}

const struct kind kind_rlimits = {
	.name = "rlimits",
	.scope = SCOPE_TASK,
	.stage = STAGE_AFTER_THREADS,
	.capture = rlimits_capture,
	.emit = rlimits_emit,
};
