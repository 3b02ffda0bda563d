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

static int rlimit_check(size_t i, const struct limit *want,
	const struct holder *holder, struct err *err)
{
	const struct facts *facts = holder->facts;

	if (want->max <= facts->rlimits[i].max ||
		facts->cap_prm >> CAP_SYS_RESOURCE & 1)
		return 0;
	err_set(err, EPERM,
		"task %d: hard resource limit %zu is %#llx, above our %#llx",
		holder->task->pid, i, (unsigned long long)want->max,
		(unsigned long long)facts->rlimits[i].max);
	return err_hint(err,
		"start stasis with the limit raised, or with CAP_SYS_RESOURCE");
}

static int rlimits_settle(struct tape *tape, const struct object *object,
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
		tape_about(tape, "resource limit %zu", i);
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
	.settle = rlimits_settle,
};
