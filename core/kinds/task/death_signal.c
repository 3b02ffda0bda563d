/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * death signal: what a thread gets when the thread that forked its task ends.
 * A change of credentials clears it, so it emits after them.
 */
#include <errno.h>
#include <sys/prctl.h>

#include "kinds/table.h"
#include "model/dump.h"

enum { SIGNALS = 64 };

static int death_signal_ask(struct tape *tape,
	const struct victim_thread *thread, struct answer *answer,
	struct err *err)
{
	uint64_t at = tape_data(tape, NULL, sizeof(int32_t));

	(void)thread;
	(void)answer;
	(void)err;
	tape_about(tape, "death signal");
	tape_call(tape, CALL_prctl, A(PR_GET_PDEATHSIG), A_DATA(at));
	return 0;
}

static int death_signal_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	ThreadCoreEntry *core = ((CoreEntry *)msg)->thread_core;
	uint32_t sig;
	int ret;

	(void)dump;
	ret = answer_read(
		sight->thread, sight->answer, 0, &sig, sizeof(sig), err);
	if (ret || !sig)
		return ret;
	if (sig > SIGNALS)
		return err_set(err, EPROTO,
			"thread %d cannot have %u as its death signal",
			sight->thread->tid, sig);
	core->has_pdeath_sig = 1;
	core->pdeath_sig = sig;
	return 0;
}

static int death_signal_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	uint32_t sig = holder->thread->core->thread_core->pdeath_sig;

	(void)object;
	(void)err;
	if (!sig)
		return 0;
	tape_about(tape, "death signal");
	tape_call(tape, CALL_prctl, A(PR_SET_PDEATHSIG), A(sig));
	return 0;
}

const struct kind kind_death_signal = {
	.name = "death signal",
	.scope = SCOPE_THREAD,
	.ask = death_signal_ask,
	.capture = death_signal_capture,
	.emit = death_signal_emit,
};
