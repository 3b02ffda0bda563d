/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rseq: a thread that was stopped inside a restartable sequence.
 *
 * The kernel aborts a sequence when its thread is preempted, but decides by
 * the registers that it sees on the way back to user code; an injection shows
 * it others, so it would let the sequence go on where it was. Called for
 * every thread after its freeze, before anything is injected, this makes the
 * decision itself. The aborted registers are good for the cure, too.
 */
#ifndef STASIS_INJECT_RSEQ_H
#define STASIS_INJECT_RSEQ_H

#include "backend.h"
#include "kernel/memory.h"
#include "kernel/ptrace.h"

/* gpr: bytes of NT_PRSTATUS, whose pc is changed when it was inside. An area
 * that cannot be read is the thread's own fault and left to the kernel. */
int rseq_abort(const struct backend *be, const struct memory *memory,
	const struct ptrace_rseq *rseq, void *gpr, struct err *err);

#endif
