/* SPDX-License-Identifier: GPL-2.0-or-later */
/* subreaper: does a task adopt the orphans among its descendants (3.4)? */
#include <sys/prctl.h>

#include "kinds/table.h"
#include "model/dump.h"

static int subreaper_ask(struct tape *tape, const struct victim_thread *thread,
	struct answer *answer, struct err *err)
{
	uint64_t at = tape_data(tape, NULL, sizeof(int32_t));

	(void)thread;
	(void)answer;
	(void)err;
	tape_about(tape, "child subreaper");
	tape_call(tape, CALL_prctl, A(PR_GET_CHILD_SUBREAPER), A_DATA(at));
	return 0;
}

static int subreaper_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	TaskCoreEntry *tc = ((CoreEntry *)msg)->tc;
	int32_t is;
	int ret;

	(void)dump;
	ret = answer_read(
		sight->thread, sight->answer, 0, &is, sizeof(is), err);
	if (ret)
		return ret;
	tc->has_child_subreaper = 1;
	tc->child_subreaper = is != 0;
	return 0;
}

static int subreaper_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	(void)object;
	(void)err;
	if (!holder->thread->core->tc->child_subreaper)
		return 0;
	tape_about(tape, "child subreaper");
	tape_call(tape, CALL_prctl, A(PR_SET_CHILD_SUBREAPER), A(1));
	return 0;
}

const struct kind kind_subreaper = {
	.name = "subreaper",
	.scope = SCOPE_TASK,
	.stage = STAGE_AFTER_THREADS,
	.ask = subreaper_ask,
	.capture = subreaper_capture,
	.emit = subreaper_emit,
};
