/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * altstack: the stack a thread has set aside for signal handlers.
 *
 * That a thread is on it now (SS_ONSTACK) is no state: the kernel tells it
 * from the stack pointer, which while a tape plays is on the agent's stack.
 */
#include <signal.h>

#include "kinds/table.h"
#include "model/dump.h"

/* stack_t of all three machines. */
struct stack {
	uint64_t sp;
	int32_t flags, pad;
	uint64_t size;
};

static int altstack_ask(struct tape *tape, const struct victim_thread *thread,
	struct answer *answer, struct err *err)
{
	uint64_t at = tape_data(tape, NULL, sizeof(struct stack));

	(void)thread;
	(void)answer;
	(void)err;
	tape_about(tape, "alternate signal stack");
	tape_call(tape, CALL_sigaltstack, A(0), A_DATA(at));
	return 0;
}

static int altstack_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	ThreadSasEntry *sas = arena_new1(dump->arena, ThreadSasEntry);
	struct stack stack;
	int ret;

	ret = answer_read(
		sight->thread, sight->answer, 0, &stack, sizeof(stack), err);
	if (ret)
		return ret;
	thread_sas_entry__init(sas);
	sas->ss_sp = stack.sp;
	sas->ss_size = stack.size;
	sas->ss_flags = (uint32_t)stack.flags;
	((CoreEntry *)msg)->thread_core->sas = sas;
	return 0;
}

static int altstack_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const ThreadSasEntry *sas = holder->thread->core->thread_core->sas;
	struct stack stack;
	uint64_t at;

	(void)object;
	(void)err;
	if (!sas || sas->ss_flags & SS_DISABLE)
		return 0;
	stack = (struct stack){
		.sp = sas->ss_sp,
		.size = sas->ss_size,
		.flags = (int32_t)(sas->ss_flags & ~(uint32_t)SS_ONSTACK),
	};
	tape_about(tape, "alternate signal stack");
	at = tape_data(tape, &stack, sizeof(stack));
	tape_call(tape, CALL_sigaltstack, A_DATA(at), A(0));
	return 0;
}

const struct kind kind_altstack = {
	.name = "altstack",
	.scope = SCOPE_THREAD,
	.ask = altstack_ask,
	.capture = altstack_capture,
	.emit = altstack_emit,
};
