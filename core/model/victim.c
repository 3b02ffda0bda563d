/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/victim.h"

struct victim_thread *victim_thread_add(
	struct arena *arena, struct victim *victim, pid_t tid)
{
	struct victim_thread *thread = arena_new1(arena, struct victim_thread);

	thread->tid = tid;
	thread->victim = victim;
	*vec_push(arena, &victim->threads) = thread;
	*index_slot(arena, &victim->by_tid, (uint64_t)tid) = thread;
	return thread;
}

struct victim_thread *victim_thread_find(const struct victim *victim, pid_t tid)
{
	return index_get(&victim->by_tid, (uint64_t)tid);
}

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
