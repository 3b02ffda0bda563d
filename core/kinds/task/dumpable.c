/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dumpable: may a task be traced, and leave core dumps?
 *
 * One flag of the whole address space, stored with it, and while a task is
 * restored the door to it: its user may reach into the memory of any thread
 * that may do no more than he, and so into that of all, if it is dumpable.
 * Tapes shut the door before the first thread gives capabilities up, and when
 * no thread changes its ids any more: that would open it where fs.suid_dumpable
 * is 1. The last step of the restore opens it (restore/place.c), when nothing
 * of the restore is in any task.
 *
 * 2 (core dumps for root only) can be had only through a change of ids, where
 * fs.suid_dumpable is 2, and cannot be asked for.
 */
#include "kinds/task/lib/dumpable.h"

#include <string.h>
#include <sys/prctl.h>

#include "kinds/table.h"
#include "model/dump.h"
#include "model/facts.h"

static bool is_leader(const struct sighting *sight)
{
	return sight->victim->threads.at[0] == sight->thread;
}

static int dumpable_ask(struct tape *tape, const struct victim_thread *thread,
	struct answer *answer, struct err *err)
{
	(void)answer;
	(void)err;
	if (thread->victim->threads.at[0] != thread)
		return 0;
	tape_about(tape, "dumpable");
	tape_call(tape, CALL_prctl, A(PR_GET_DUMPABLE));
	return 0;
}

static int dumpable_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	MmEntry *mm = sight->victim->task->mm;
	int64_t dumpable;
	int ret;

	(void)dump;
	(void)msg;
	if (!is_leader(sight) || !mm)
		return 0;
	ret = answer_result(
		sight->thread, sight->answer, 0, 0, 2, &dumpable, err);
	if (ret)
		return ret;
	mm->has_dumpable = 1;
	mm->dumpable = (int32_t)dumpable;
	return 0;
}

static const CredsEntry *creds_of(const struct task *task, size_t thread)
{
	return task->threads[thread].core->thread_core->creds;
}

static bool changes_ids(const CredsEntry *creds, const struct facts *facts)
{
	const uint32_t uid[] = {
		creds->uid, creds->euid, creds->suid, creds->fsuid};
	const uint32_t gid[] = {
		creds->gid, creds->egid, creds->sgid, creds->fsgid};

	return memcmp(uid, facts->uid, sizeof(uid)) != 0 ||
	       memcmp(gid, facts->gid, sizeof(gid)) != 0;
}

/* The kernel sets fs.suid_dumpable then, and for no other id. */
static bool changes_what_counts(
	const CredsEntry *creds, const struct facts *facts)
{
	return creds->euid != facts->uid[PROC_ID_EFFECTIVE] ||
	       creds->fsuid != facts->uid[PROC_ID_FS] ||
	       creds->egid != facts->gid[PROC_ID_EFFECTIVE] ||
	       creds->fsgid != facts->gid[PROC_ID_FS];
}

static bool gives_caps_up(const CredsEntry *creds, const struct facts *facts)
{
	uint64_t caps = 0;

	for (size_t i = 0; i < creds->n_cap_prm && i < 2; i++)
		caps |= (uint64_t)creds->cap_prm[i] << (32 * i);
	return (facts->cap_prm & ~caps) != 0;
}

static bool any_thread(const struct task *task, const struct facts *facts,
	bool (*does)(const CredsEntry *, const struct facts *))
{
	for (size_t i = 0; i < task->n_threads; i++)
		if (creds_of(task, i) && does(creds_of(task, i), facts))
			return true;
	return false;
}

static int stored(const struct task *task)
{
	const MmEntry *mm = task->mm;

	return mm && mm->has_dumpable ? mm->dumpable : DUMPABLE_USER;
}

int dumpable_played(const struct task *task, const struct facts *facts)
{
	/* As much out of reach as one that is not dumpable at all. */
	if (stored(task) == DUMPABLE_ROOT &&
		facts->suid_dumpable == DUMPABLE_ROOT &&
		any_thread(task, facts, changes_what_counts))
		return DUMPABLE_ROOT;
	if (any_thread(task, facts, changes_ids) ||
		any_thread(task, facts, gives_caps_up))
		return DUMPABLE_NOT;
	return facts->dumpable;
}

int dumpable_wanted(const struct task *task, const struct facts *facts)
{
	if (stored(task) == DUMPABLE_ROOT &&
		dumpable_played(task, facts) == DUMPABLE_ROOT)
		return DUMPABLE_ROOT;
	return stored(task) == DUMPABLE_NOT || stored(task) == DUMPABLE_ROOT
		       ? DUMPABLE_NOT
		       : DUMPABLE_USER;
}

static int dumpable_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	(void)object;
	(void)err;
	if (dumpable_played(holder->task, holder->facts) != DUMPABLE_NOT)
		return 0;
	tape_about(tape, "not dumpable meanwhile");
	tape_call(tape, CALL_prctl, A(PR_SET_DUMPABLE), A(DUMPABLE_NOT));
	return 0;
}

const struct kind kind_dumpable = {
	.name = "dumpable",
	.scope = SCOPE_THREAD,
	.meets = true,
	.ask = dumpable_ask,
	.capture = dumpable_capture,
	.emit = dumpable_emit,
};
