/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * membarrier: the expedited barriers that a task has registered for.
 *
 * Only since 6.3 can it be asked. Settles before the threads are there, as
 * registering has to wait for the CPUs of all threads otherwise.
 */
#include <linux/membarrier.h>

#include "kinds/table.h"
#include "model/dump.h"

/* MEMBARRIER_CMD_GET_REGISTRATIONS; older headers lack it. */
enum { GET_REGISTRATIONS = 1 << 9 };

static int membarrier_ask(struct tape *tape, const struct victim_thread *thread,
	struct answer *answer, struct err *err)
{
	(void)thread;
	(void)answer;
	(void)err;
	tape_about(tape, "registered memory barriers");
	tape_try(tape, CALL_membarrier, A(GET_REGISTRATIONS), A(0), A(0));
	return 0;
}

static int membarrier_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	TaskCoreEntry *tc = ((CoreEntry *)msg)->tc;
	int64_t mask;
	int ret;

	(void)dump;
	ret = answer_result(
		sight->thread, sight->answer, 0, 0, INT32_MAX, &mask, err);
	if (ret || mask <= 0)
		return ret;
	tc->has_membarrier_registration_mask = 1;
	tc->membarrier_registration_mask = (uint32_t)mask;
	return 0;
}

/* Each bit of the mask is the command that registers for it. */
static int membarrier_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	uint32_t mask = holder->thread->core->tc->membarrier_registration_mask;

	(void)object;
	(void)err;
	for (int bit = 0; bit < 32; bit++) {
		if (!(mask >> bit & 1))
			continue;
		tape_about(tape, "membarrier registration %d", 1 << bit);
		tape_call(tape, CALL_membarrier, A(1u << bit), A(0), A(0));
	}
	return 0;
}

const struct kind kind_membarrier = {
	.name = "membarrier",
	.scope = SCOPE_TASK,
	.stage = STAGE_BEFORE_THREADS,
	.ask = membarrier_ask,
	.capture = membarrier_capture,
	.emit = membarrier_emit,
};
