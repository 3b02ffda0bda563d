/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rseq: the area of a thread for restartable sequences.
 *
 * No thread is stored in the middle of a sequence: the walk has it aborted
 * when it freezes (inject/rseq.h), so rseq_cs_pointer is never written and
 * means nothing here; what stands in the area itself comes with its memory.
 * The newborn must have no registration of its own left.
 */
#include "kinds/table.h"
#include "model/dump.h"
#include "model/extra.h"

/* Longer slices of time while the thread asks for them in its area (7.0). */
enum { SLICE_EXTENSION = 79, SLICE_GET = 1, SLICE_SET = 2 };

static int rseq_ask(struct tape *tape, const struct victim_thread *thread,
	struct answer *answer, struct err *err)
{
	(void)thread;
	(void)answer;
	(void)err;
	tape_try(tape, CALL_prctl, A(SLICE_EXTENSION), A(SLICE_GET), A(0), A(0),
		A(0));
	return 0;
}

static int slice_keep(
	struct dump *dump, const struct sighting *sight, struct err *err)
{
	StasisThreadExtra *extra;
	int64_t slice;
	int ret;

	ret = answer_result(
		sight->thread, sight->answer, 0, 0, UINT32_MAX, &slice, err);
	if (ret || slice <= 0)
		return ret;
	extra = extra_of_thread(dump->arena, sight->thread);
	extra->has_rseq_slice = 1;
	extra->rseq_slice = (uint32_t)slice;
	return 0;
}

static int rseq_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	const struct ptrace_rseq *rseq = &sight->thread->rseq;
	RseqEntry *entry;

	if (!rseq->addr)
		return 0;
	entry = arena_new1(dump->arena, RseqEntry);
	rseq_entry__init(entry);
	entry->rseq_abi_pointer = rseq->addr;
	entry->rseq_abi_size = rseq->size;
	entry->signature = rseq->signature;
	((CoreEntry *)msg)->thread_core->rseq_entry = entry;
	return slice_keep(dump, sight, err);
}

static int rseq_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const RseqEntry *entry = holder->thread->core->thread_core->rseq_entry;
	const StasisThreadExtra *extra = holder->thread->extra;

	(void)object;
	(void)err;
	if (!entry || !entry->rseq_abi_pointer)
		return 0;
	tape_about(tape, "rseq");
	tape_call(tape, CALL_rseq, A(entry->rseq_abi_pointer),
		A(entry->rseq_abi_size), A(0), A(entry->signature));
	if (extra && extra->has_rseq_slice)
		tape_call(tape, CALL_prctl, A(SLICE_EXTENSION), A(SLICE_SET),
			A(extra->rseq_slice), A(0), A(0));
	return 0;
}

const struct kind kind_rseq = {
	.name = "rseq",
	.scope = SCOPE_THREAD,
	.ask = rseq_ask,
	.capture = rseq_capture,
	.emit = rseq_emit,
};
