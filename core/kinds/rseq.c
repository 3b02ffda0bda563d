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

static int rseq_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	const struct ptrace_rseq *rseq = &sight->thread->rseq;
	RseqEntry *entry;

	(void)err;
	if (!rseq->addr)
		return 0;
	entry = arena_new1(dump->arena, RseqEntry);
	rseq_entry__init(entry);
	entry->rseq_abi_pointer = rseq->addr;
	entry->rseq_abi_size = rseq->size;
	entry->signature = rseq->signature;
	((CoreEntry *)msg)->thread_core->rseq_entry = entry;
	return 0;
}

static int rseq_settle(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const RseqEntry *entry = holder->thread->core->thread_core->rseq_entry;

	(void)object;
	(void)err;
	if (!entry || !entry->rseq_abi_pointer)
		return 0;
	tape_about(tape, "rseq");
	tape_call(tape, CALL_rseq, A(entry->rseq_abi_pointer),
		A(entry->rseq_abi_size), A(0), A(entry->signature));
	return 0;
}

const struct kind kind_rseq = {
	.name = "rseq",
	.scope = SCOPE_THREAD,
	.capture = rseq_capture,
	.settle = rseq_settle,
};
