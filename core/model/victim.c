/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/victim.h"

int answer_result(const struct victim_thread *thread,
	const struct answer *answer, uint32_t i, int64_t min, int64_t max,
	int64_t *ret, struct err *err)
{
	return tape_result(thread->tape, thread->block, answer->op + i, min,
		max, ret, err);
}

int answer_read(const struct victim_thread *thread, const struct answer *answer,
	size_t skip, void *to, size_t size, struct err *err)
{
	return tape_block_read(thread->tape, thread->block, answer->data + skip,
		to, size, err);
}
