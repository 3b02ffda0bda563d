/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inject/rseq.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

/* Where the pointer to the present sequence stands in a thread's area. */
enum { RSEQ_CS_AT = 8 };

/* The kernel's struct rseq_cs. */
struct sequence {
	uint32_t version, flags;
	uint64_t start, size, abort;
};

static bool sequence_has(const struct sequence *sequence, uint64_t pc)
{
	return pc - sequence->start < sequence->size;
}

int rseq_abort(const struct backend *be, const struct memory *memory,
	const struct ptrace_rseq *rseq, void *gpr, struct err *err)
{
	struct sequence sequence;
	uint64_t at = 0, none = 0;

	if (!rseq->addr)
		return 0;
	if (memory_read(memory, rseq->addr + RSEQ_CS_AT, &at, sizeof(at),
		    ERR_UNREAD) ||
		!at)
		return 0;
	if (memory_read(memory, at, &sequence, sizeof(sequence), ERR_UNREAD))
		return 0;
	if (!sequence_has(&sequence, be->reg_get(gpr, REG_PC)))
		return 0;
	be->reg_set(gpr, REG_PC, sequence.abort);
	return memory_write(
		memory, rseq->addr + RSEQ_CS_AT, &none, sizeof(none), err);
}
