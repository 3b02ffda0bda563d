/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timerslack: how late a thread's sleeps may end.
 *
 * Real-time threads have none (6.13 tells 0) and cannot be given any; hence
 * it emits before the policy, and 0 is not stored.
 */
#include <sys/prctl.h>

#include "kinds/table.h"
#include "model/dump.h"
#include "model/extra.h"
#include "model/facts.h"

static int timerslack_ask(struct tape *tape, const struct victim_thread *thread,
	struct answer *answer, struct err *err)
{
	(void)thread;
	(void)answer;
	(void)err;
	tape_about(tape, "timer slack");
	tape_call(tape, CALL_prctl, A(PR_GET_TIMERSLACK));
	return 0;
}

static int timerslack_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	StasisThreadExtra *extra;
	int64_t slack;
	int ret;

	(void)msg;
	ret = answer_result(
		sight->thread, sight->answer, 0, 0, INT64_MAX, &slack, err);
	if (ret || !slack)
		return ret;
	extra = extra_of_thread(dump->arena, sight->thread);
	extra->has_timerslack_ns = 1;
	extra->timerslack_ns = (uint64_t)slack;
	return 0;
}

static int timerslack_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const StasisThreadExtra *extra = holder->thread->extra;

	(void)object;
	(void)err;
	if (!extra || !extra->has_timerslack_ns ||
		extra->timerslack_ns == holder->facts->timerslack)
		return 0;
	tape_about(tape, "timer slack");
	tape_call(tape, CALL_prctl, A(PR_SET_TIMERSLACK),
		A(extra->timerslack_ns));
	return 0;
}

const struct kind kind_timerslack = {
	.name = "timerslack",
	.scope = SCOPE_THREAD,
	.ask = timerslack_ask,
	.capture = timerslack_capture,
	.emit = timerslack_emit,
};
