/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tid address: where the kernel writes 0 and wakes a futex when a thread
 * ends. The image format keeps it in the machine's own message.
 *
 * Asking needs CONFIG_CHECKPOINT_RESTORE (3.5).
 */
#include <sys/prctl.h>

#include "kinds/table.h"
#include "model/dump.h"

static int tid_address_ask(struct tape *tape,
	const struct victim_thread *thread, struct answer *answer,
	struct err *err)
{
	uint64_t at = tape_data(tape, NULL, sizeof(uint64_t));

	(void)thread;
	(void)answer;
	(void)err;
	tape_about(tape, "tid address");
	tape_call(tape, CALL_prctl, A(PR_GET_TID_ADDRESS), A_DATA(at));
	return 0;
}

/* NULL: the machine's message has no place for it. */
static uint64_t *tid_address_place(CoreEntry *core)
{
	const struct backend *be = backend_by_mtype(core->mtype);

	return be && be->clear_tid ? be->clear_tid(core) : NULL;
}

static int tid_address_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	uint64_t *place = tid_address_place(msg);

	(void)dump;
	return place ? answer_read(sight->thread, sight->answer, 0, place,
			       sizeof(*place), err)
		     : 0;
}

static int tid_address_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const uint64_t *place = tid_address_place(holder->thread->core);

	(void)object;
	(void)err;
	tape_about(tape, "tid address");
	tape_call(tape, CALL_set_tid_address, A(place ? *place : 0));
	return 0;
}

const struct kind kind_tid_address = {
	.name = "tid address",
	.scope = SCOPE_THREAD,
	.ask = tid_address_ask,
	.capture = tid_address_capture,
	.emit = tid_address_emit,
};
