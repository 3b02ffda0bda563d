/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brk: where the heap ends; only the task itself can tell. */
#include "kinds/table.h"

static int brk_ask(struct tape *tape, const struct victim_thread *thread,
	struct answer *answer, struct err *err)
{
	(void)thread;
	(void)answer;
	(void)err;
	tape_call(tape, CALL_brk, A(0));
	return 0;
}

/* It goes back with the rest of the address space's fields, by the walk. */
static int brk_capture(struct dump *dump, const struct sighting *sighting,
	void *msg, struct err *err)
{
	int64_t end;
	int ret;

	(void)dump;
	(void)msg;
	ret = answer_result(
		sighting->thread, sighting->answer, 0, 0, INT64_MAX, &end, err);
	if (!ret)
		sighting->victim->task->mm->mm_brk = (uint64_t)end;
	return ret;
}

const struct kind kind_brk = {
	.name = "brk",
	.scope = SCOPE_TASK,
	.ask = brk_ask,
	.capture = brk_capture,
};
