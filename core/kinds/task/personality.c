/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * personality: the bits of personality(2), which threads inherit; hence it
 * emits before they are born, and after all memory is mapped.
 */
#include "kinds/table.h"
#include "model/dump.h"
#include "model/facts.h"

static int personality_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	uint32_t bits;
	int ret;

	(void)dump;
	ret = proc_read_personality(&sight->victim->proc, &bits, err);
	if (ret)
		return ret;
	((CoreEntry *)msg)->tc->personality = bits;
	return 0;
}

static int personality_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	uint32_t bits = holder->thread->core->tc->personality;

	(void)object;
	(void)err;
	if (bits == holder->facts->personality)
		return 0;
	tape_about(tape, "personality");
	tape_call(tape, CALL_personality, A(bits));
	return 0;
}

const struct kind kind_personality = {
	.name = "personality",
	.scope = SCOPE_TASK,
	.stage = STAGE_BEFORE_THREADS,
	.capture = personality_capture,
	.emit = personality_emit,
};
