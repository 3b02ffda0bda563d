/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/extra.h"

#include <stdlib.h>

static struct thread *thread_find(struct task *task, pid_t tid)
{
	for (size_t i = 0; i < task->n_threads; i++)
		if (task->threads[i].tid == tid)
			return &task->threads[i];
	/* The walk made the tree from these very threads. */
	abort();
}

StasisThreadExtra *extra_of_thread(
	struct arena *arena, const struct victim_thread *thread)
{
	struct thread *of = thread_find(thread->victim->task, thread->vtid);

	if (!of->extra) {
		of->extra = arena_new1(arena, StasisThreadExtra);
		stasis_thread_extra__init(of->extra);
		of->extra->tid = (uint32_t)of->tid;
	}
	return of->extra;
}

StasisTaskExtra *extra_of_task(struct arena *arena, const struct victim *victim)
{
	struct task *of = victim->task;

	if (!of->extra) {
		of->extra = arena_new1(arena, StasisTaskExtra);
		stasis_task_extra__init(of->extra);
		of->extra->pid = (uint32_t)of->pid;
	}
	return of->extra;
}
