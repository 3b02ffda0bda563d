/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dumpable: may a task be traced, and leave core dumps?
 *
 * One flag of the whole address space, stored with it; but the credentials
 * of any thread clear it when they change, so each thread sets it again
 * after its own. 2 (core dumps for root only) can be had only through a
 * change of credentials, and cannot be asked for.
 */
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

static int dumpable_settle(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const MmEntry *mm = holder->task->mm;

	(void)object;
	(void)err;
	if (!mm || !mm->has_dumpable || mm->dumpable < 0 || mm->dumpable > 1)
		return 0;
	tape_about(tape, "dumpable");
	tape_call(tape, CALL_prctl, A(PR_SET_DUMPABLE), A(mm->dumpable));
	return 0;
}

const struct kind kind_dumpable = {
	.name = "dumpable",
	.scope = SCOPE_THREAD,
	.ask = dumpable_ask,
	.capture = dumpable_capture,
	.settle = dumpable_settle,
};
