/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/extra.h"

StasisThreadExtra *extra_of_thread(
	struct arena *arena, const struct victim_thread *thread)
{
	struct thread *of = thread->thread;

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
