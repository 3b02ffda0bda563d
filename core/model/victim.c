/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/victim.h"

int64_t answer_result(const struct victim_thread *thread,
	const struct answer *answer, uint32_t i)
{
	return tape_result(thread->block, answer->op + i);
}

const void *answer_data(
	const struct victim_thread *thread, const struct answer *answer)
{
	return tape_block_data(thread->tape, thread->block, answer->data);
}
