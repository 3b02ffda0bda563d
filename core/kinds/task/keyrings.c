/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keyrings: keys that only a thread or a process has (keyrings(7)).
 *
 * Their contents may be closed to everybody, so they are refused. Whether there
 * is a session keyring cannot be asked: the question makes one.
 */
#include <errno.h>
#include <linux/keyctl.h>

#include "kinds/table.h"
#include "model/dump.h"

enum { OP_THREAD, OP_PROCESS };

static int keyrings_ask(struct tape *tape, const struct victim_thread *thread,
	struct answer *answer, struct err *err)
{
	(void)thread;
	(void)answer;
	(void)err;
	tape_about(tape, "keyrings");
	tape_try(tape, CALL_keyctl, A(KEYCTL_GET_KEYRING_ID),
		A(KEY_SPEC_THREAD_KEYRING), A(0));
	tape_try(tape, CALL_keyctl, A(KEYCTL_GET_KEYRING_ID),
		A(KEY_SPEC_PROCESS_KEYRING), A(0));
	return 0;
}

static int keyring_refuse(const struct victim_thread *thread, const char *whose,
	int64_t number, struct err *err)
{
	err_set(err, EOPNOTSUPP,
		"thread %d of process %d has a keyring of its %s (%lld), which "
		"cannot be dumped",
		thread->tid, thread->victim->pid, whose, (long long)number);
	return err_hint(err, "keys that are to stay belong into the user's "
			     "keyring (keyctl link KEY @u)");
}

static int keyrings_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	const struct victim_thread *thread = sight->thread;
	int64_t own, process;
	int code;

	(void)dump;
	(void)msg;
	code = answer_result(
		thread, sight->answer, OP_THREAD, 0, INT32_MAX, &own, err);
	if (!code)
		code = answer_result(thread, sight->answer, OP_PROCESS, 0,
			INT32_MAX, &process, err);
	if (code)
		return code;
	if (own > 0)
		return keyring_refuse(thread, "own", own, err);
	return process > 0 ? keyring_refuse(thread, "process", process, err)
			   : 0;
}

const struct kind kind_keyrings = {
	.name = "keyrings",
	.scope = SCOPE_THREAD,
	.ask = keyrings_ask,
	.capture = keyrings_capture,
};
