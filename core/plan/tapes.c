/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tapes: all that a task must do by itself, recorded.
 *
 * The leader's tape: memory, files that want it, the fields of the address
 * space, task kinds, then its threads. Each thread waits on its own tape
 * until all are there and traced; then kinds of tasks and threads do the
 * rest. Tapes end in the agent's trap.
 */
#include <errno.h>
#include <linux/close_range.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <stddef.h>

#include "kinds/kinds.h"
#include "plan/plan.h"

/* struct prctl_mm_map of linux/prctl.h, which lacks it in some versions. */
struct mm_map {
	uint64_t start_code, end_code, start_data, end_data;
	uint64_t start_brk, brk, start_stack;
	uint64_t arg_start, arg_end, env_start, env_end;
	uint64_t auxv;
	uint32_t auxv_size, exe_fd;
};

static struct holder holder_of(
	const struct plan *plan, struct plan_task *pt, size_t thread)
{
	return (struct holder){.plan = plan,
		.facts = plan->facts,
		.objects = plan->objects,
		.task = pt->task,
		.thread = &pt->task->threads[thread],
		.late_close = pt->table_shared,
		.fd = -1};
}

static void threads_wait(struct plan_task *pt, struct tape *tape,
	const char *what, size_t word, size_t n)
{
	if (pt->task->n_threads == 1)
		return;
	tape_about(tape, "waiting for %s", what);
	tape_meet(tape, A_REEL(word), (uint32_t)n);
}

static void threads_meet(const struct holder *holder, struct tape *tape)
{
	threads_wait(&holder->plan->tasks[holder->task->index], tape,
		"all threads to have their ids",
		offsetof(struct reel_words, named), holder->task->n_threads);
}

static int state_emit(struct plan *plan, struct plan_task *pt, size_t thread,
	enum scope scope, enum stage stage, struct err *err)
{
	struct holder holder = holder_of(plan, pt, thread);

	return kinds_emit(
		pt->tapes[thread], &holder, scope, stage, threads_meet, err);
}

static int files_emit(struct plan_task *pt, struct err *err)
{
	int code = 0;

	for (size_t i = 0; i < pt->emits.n && !code; i++)
		code = kinds_emit_file(pt->tapes[0], pt->emits.at[i].object,
			pt->emits.at[i].holder, err);
	return code;
}

static void mm_emit(struct plan *plan, struct plan_task *pt)
{
	const MmEntry *mm = pt->task->mm;
	struct tape *tape = pt->tapes[0];
	struct mm_map map = {
		.start_code = mm->mm_start_code,
		.end_code = mm->mm_end_code,
		.start_data = mm->mm_start_data,
		.end_data = mm->mm_end_data,
		.start_brk = mm->mm_start_brk,
		.brk = mm->mm_brk,
		.start_stack = mm->mm_start_stack,
		.arg_start = mm->mm_arg_start,
		.arg_end = mm->mm_arg_end,
		.env_start = mm->mm_env_start,
		.env_end = mm->mm_env_end,
		.auxv = plan->zone.reel + pt->auxv_at,
		.auxv_size = (uint32_t)(mm->n_mm_saved_auxv * 8),
		.exe_fd = (uint32_t)pt->exe_slot,
	};
	uint64_t data;

	tape_about(tape, "brk, auxv and the executable");
	data = tape_data(tape, &map, sizeof(map));
	tape_call(tape, CALL_prctl, A(PR_SET_MM), A(PR_SET_MM_MAP),
		A_DATA(data), A(sizeof(map)), A(0));
}

static void threads_make(struct plan *plan, struct plan_task *pt)
{
	const struct zone *zone = &plan->zone;
	struct tape *tape = pt->tapes[0];
	struct clone_args args;
	uint64_t data;

	for (size_t i = 1; i < pt->task->n_threads; i++) {
		args = (struct clone_args){
			.flags = CLONE_VM | CLONE_FS | CLONE_FILES |
				 CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
			.stack = zone->reel + plan_stack(pt, i),
			.stack_size = plan_stack_size(i),
			.set_tid = zone->reel + pt->tids_at + i * 4,
			.set_tid_size = 1,
		};
		tape_about(tape, "thread %d", pt->task->threads[i].tid);
		data = tape_data(tape, &args, sizeof(args));
		tape_thread(tape, A_DATA(data), sizeof(args),
			A_REEL(pt->tape_at[i]));
	}
}

static void all_meet(struct plan_task *pt, struct tape *tape)
{
	threads_wait(pt, tape, "all threads", offsetof(struct reel_words, met),
		pt->task->n_threads + 1);
}

static bool has_filters(const struct task *task)
{
	for (size_t i = 0; i < task->n_threads; i++)
		if (task->threads[i].core->thread_core->has_seccomp_filter)
			return true;
	return false;
}

static bool has_waiting(const struct task *task)
{
	const SignalQueueEntry *queue;

	for (size_t i = 0; i < task->n_threads; i++) {
		queue = task->threads[i].core->thread_core->signals_p;
		if (queue && queue->n_signals)
			return true;
	}
	return false;
}

/* Filters for all threads come before the threads' own. A signal that begins
 * to be ignored is taken from all threads in which it waits. */
static void leader_first(struct plan_task *pt, struct tape *tape)
{
	if (pt->leader_first)
		threads_wait(pt, tape, "the leader",
			offsetof(struct reel_words, led), pt->task->n_threads);
}

static void shelf_close(struct plan *plan, struct plan_task *pt)
{
	if (pt->table_shared)
		return;
	tape_about(pt->tapes[0], "closing files that are kept for others");
	tape_call(pt->tapes[0], CALL_close_range, A(plan->shelf_base),
		A(plan->shelf_end - 1), A(0));
}

static int thread_record(
	struct plan *plan, struct plan_task *pt, size_t i, struct err *err)
{
	struct thread *thread = &pt->task->threads[i];

	pt->tapes[i] = tape_new(plan->arena,
		arena_printf(plan->arena, "thread %d", thread->tid));
	all_meet(pt, pt->tapes[i]);
	leader_first(pt, pt->tapes[i]);
	return state_emit(plan, pt, i, SCOPE_THREAD, 0, err);
}

static int leader_record(
	struct plan *plan, struct plan_task *pt, struct err *err)
{
	struct tape *tape = pt->tapes[0];
	int code;

	code = plan_memory(plan, pt, tape, err);
	if (!code)
		code = files_emit(pt, err);
	if (code)
		return code;
	mm_emit(plan, pt);
	code = state_emit(plan, pt, 0, SCOPE_TASK, STAGE_BEFORE_THREADS, err);
	if (code)
		return code;
	threads_make(plan, pt);
	all_meet(pt, tape);
	code = state_emit(plan, pt, 0, SCOPE_TASK, STAGE_AFTER_THREADS, err);
	if (code)
		return code;
	leader_first(pt, tape);
	shelf_close(plan, pt);
	return state_emit(plan, pt, 0, SCOPE_THREAD, 0, err);
}

/* Threads' tapes lie first, so that the leader's can name them. */
static int task_record(struct plan *plan, struct plan_task *pt, struct err *err)
{
	size_t n = pt->task->n_threads;
	uint64_t at = pt->tapes_at;
	int code = 0;

	pt->leader_first =
		n > 1 && (has_filters(pt->task) || has_waiting(pt->task));
	pt->tapes = arena_newn(plan->arena, struct tape *, n);
	pt->tape_at = arena_newn(plan->arena, uint64_t, n);
	for (size_t i = 1; i < n && !code; i++) {
		code = thread_record(plan, pt, i, err);
		pt->tape_at[i] = at;
		at += tape_size(pt->tapes[i]);
	}
	if (code)
		return code;
	pt->tape_at[0] = at;
	pt->tapes[0] = tape_new(plan->arena,
		arena_printf(plan->arena, "task %d", pt->task->pid));
	code = leader_record(plan, pt, err);
	if (code)
		return code;
	pt->reel_size = at + tape_size(pt->tapes[0]);
	if (pt->reel_size > plan->zone.reel_room)
		return err_set(err, E2BIG,
			"task %d: the steps of its restore take %llu bytes, "
			"more than the %llu set aside",
			pt->task->pid, (unsigned long long)pt->reel_size,
			(unsigned long long)plan->zone.reel_room);
	return 0;
}

int plan_tapes(struct plan *plan, struct err *err)
{
	uint64_t page = 64 << 10;
	struct plan_task *pt;
	int code;

	for (size_t i = 0; i < plan->tree->tasks.n; i++) {
		pt = &plan->tasks[i];
		if (pt->task->state == TASK_DEAD)
			continue;
		code = task_record(plan, pt, err);
		if (code)
			return code;
		pt->reel_file_at = plan->reels_size;
		plan->reels_size += (pt->reel_size + page - 1) & ~(page - 1);
	}
	return 0;
}
