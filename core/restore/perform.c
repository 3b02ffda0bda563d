/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/perform.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/ending.h"
#include "inject/remote.h"
#include "kernel/caps.h"
#include "kernel/ptrace.h"
#include "restore/halt.h"
#include "restore/share.h"

static int restore_look(const void *of, struct err *err)
{
	return run_check_interrupt(of, "while", "a task is restored", err);
}

struct patience perform_patience(const struct birth_ward *ward)
{
	const struct run *run = ward->restore->run;

	return (struct patience){.timeout_ms = run->opt->timeout * 1000,
		.look = restore_look,
		.of = run};
}

static int stop_see(const struct birth_ward *ward, const struct thread *thread,
	struct err *err)
{
	const struct patience patience = perform_patience(ward);

	return halt_see(thread, &patience, err);
}

/* Of a task that was stopped: until it is so again. */
static int stop_await(
	struct birth_ward *ward, const struct thread *thread, struct err *err)
{
	bool stopped = thread->task->state != TASK_STOPPED;
	int code = 0;

	while (!code && !stopped) {
		code = halt_look(thread, &stopped, err);
		if (!code)
			code = run_step(
				ward->restore->run, "restore.perform", err);
	}
	return code;
}

static int memory_hold(
	const struct plan_task *pt, struct memory *ret, struct err *err)
{
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	int code = proc_open(pt->task->host, &proc, err);

	return code ?: memory_open(&proc, ret, err);
}

/* Each is one file more; newborns have their own limit by now. */
static void memories_expect(struct birth_ward *ward)
{
	enum { OTHERS = 64 };
	size_t n = ward->plan->tree->tasks.n;
	struct rlimit limit;

	if (caps_have(CAP_SYS_PTRACE))
		return;
	ward->memories = arena_newn(ward->plan->arena, struct memory, n);
	for (size_t i = 0; i < n; i++)
		ward->memories[i] = MEMORY_CLOSED;
	if (getrlimit(RLIMIT_NOFILE, &limit) ||
		limit.rlim_cur >= (size_t)ward->plan->shelf_end + n + OTHERS)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

void perform_forget(struct birth_ward *ward)
{
	for (size_t i = 0; ward->memories && i < ward->plan->tree->tasks.n; i++)
		memory_close(&ward->memories[i]);
}

static int leaders_seize(struct birth_ward *ward, struct err *err)
{
	struct plan_task *pt;
	int code = 0;

	memories_expect(ward);
	for (size_t i = 0; i < ward->plan->tree->tasks.n && !code; i++) {
		pt = &ward->plan->tasks[i];
		if (!pt->tapes)
			continue;
		code = stop_await(ward, &pt->task->threads[0], err);
		if (!code)
			code = remote_seize(
				pt->task->host, PTRACE_O_EXITKILL, err);
		if (!code && ward->memories)
			code = memory_hold(pt, &ward->memories[i], err);
		if (!code)
			code = stop_see(ward, &pt->task->threads[0], err);
	}
	return code;
}

static int leaders_go(struct birth_ward *ward, struct err *err)
{
	struct plan *plan = ward->plan;
	int code = 0;

	board_go(ward->board);
	for (size_t i = 0; i < plan->tree->tasks.n && !code; i++)
		if (plan->tasks[i].tapes)
			code = halt_leave(
				&plan->tasks[i].task->threads[0], err);
	return code;
}

/* The tape's own story, if it tells of a failure. */
static int tape_verdict(struct birth_ward *ward, struct plan_task *pt,
	size_t thread, struct err *err)
{
	return tape_check(
		pt->tapes[thread], reels_tape(&ward->reels, pt, thread), err);
}

/* The leader stopped before its threads were there: it must have failed. */
static int leader_check(
	struct birth_ward *ward, struct plan_task *pt, struct err *err)
{
	char label[ENDING_LABEL];
	int status, code;

	if (waitpid(pt->task->host, &status, WNOHANG | __WALL) <= 0)
		return 0;
	code = tape_verdict(ward, pt, 0, err);
	if (code)
		return code;
	return err_set(err, ECHILD,
		"task %d stopped or died before its time: %s", pt->task->pid,
		ending_label(status, label));
}

/* Until so many of the task have come to a word of its reel. */
static int word_await(struct birth_ward *ward, struct plan_task *pt,
	const uint32_t *word, uint32_t n, struct err *err)
{
	int code = 0;

	while (!code && !board_watch(word, n, 1)) {
		code = leader_check(ward, pt, err);
		if (!code)
			code = run_step(
				ward->restore->run, "restore.perform", err);
	}
	return code;
}

/* Threads of a stopped task come to the meeting when they are traced. */
static int stopped_seize(
	struct birth_ward *ward, struct plan_task *pt, struct err *err)
{
	const struct thread *thread;
	bool stopped;
	int code = 0;

	for (size_t i = 1; i < pt->task->n_threads && !code; i++) {
		thread = &pt->task->threads[i];
		for (stopped = false; !stopped && !code;) {
			code = halt_look(thread, &stopped, err);
			if (!code && !stopped)
				code = leader_check(ward, pt, err);
			if (!code)
				code = run_step(ward->restore->run,
					"restore.perform", err);
		}
		if (!code)
			code = remote_seize(
				thread->host, PTRACE_O_EXITKILL, err);
		if (!code)
			code = stop_see(ward, thread, err)
				       ?: halt_leave(thread, err);
	}
	return code;
}

/* Threads wait for each other and for us, who must trace them first. */
static int threads_seize(
	struct birth_ward *ward, struct plan_task *pt, struct err *err)
{
	struct reel_words *words = reels_words(&ward->reels, pt);
	bool halted = pt->task->state == TASK_STOPPED;
	int code = halted ? stopped_seize(ward, pt, err) : 0;

	if (!code)
		code = word_await(ward, pt, &words->met,
			(uint32_t)pt->task->n_threads, err);
	for (size_t i = 1; i < pt->task->n_threads && !code && !halted; i++)
		code = remote_seize(
			pt->task->threads[i].host, PTRACE_O_EXITKILL, err);
	if (!code)
		board_arrive(&words->met);
	return code;
}

/* While the task reads its half of a big memory, we write the other. */
static int memory_share(struct birth_ward *ward, struct plan_task *pt,
	struct progress *progress, struct err *err)
{
	struct reel_words *words = reels_words(&ward->reels, pt);
	int code = word_await(ward, pt, &words->mapped, 1, err);

	if (code)
		return code;
	board_arrive(&words->mapped);
	code = share_fill(ward, pt, progress, err);
	if (!code)
		board_arrive(&words->filled);
	return code;
}

struct watch {
	struct birth_ward *ward;
	struct plan_task *pt;
};

static bool thread_broke(pid_t host)
{
	siginfo_t info = {0};

	return !waitid(P_PID, (id_t)host, &info,
		       WSTOPPED | WNOHANG | WNOWAIT | __WALL) &&
	       info.si_pid == host &&
	       (info.si_status == SIGSEGV || info.si_status == SIGBUS ||
		       info.si_status == SIGILL);
}

/* Threads wait for each other: one that failed is waited for in vain. */
static int perform_look(const void *of, struct err *err)
{
	const struct watch *watch = of;
	const struct task *task = watch->pt->task;
	int code = run_check_interrupt(watch->ward->restore->run, "while",
		"a task restores itself", err);

	const struct tape_head *head;

	for (size_t i = 0; i < task->n_threads && !code; i++) {
		head = reels_tape(&watch->ward->reels, watch->pt, i);
		if (head->failed != -1)
			code = tape_verdict(watch->ward, watch->pt, i, err);
		if (!code && thread_broke(task->threads[i].host))
			code = err_set(err, EFAULT,
				"thread %d: the agent died of a signal",
				task->threads[i].tid);
	}
	return code;
}

/* What it reads may take any time. */
static int task_wait(
	struct birth_ward *ward, struct plan_task *pt, struct err *err)
{
	const struct watch watch = {.ward = ward, .pt = pt};
	const struct patience patience = {.look = perform_look, .of = &watch};
	struct remote_thread thread = {.patience = &patience};
	int code = 0;

	for (size_t i = 0; i < pt->task->n_threads && !code; i++) {
		thread.tid = pt->task->threads[i].host;
		code = remote_wait_trap(&thread, err);
		if (!code)
			code = tape_verdict(ward, pt, i, err);
	}
	return code ? err_wrap(err, "restoring task %d (%s)", pt->task->pid,
			      pt->task->threads[0].core->tc->comm)
		    : 0;
}

static int memories_share(struct birth_ward *ward, struct err *err)
{
	struct plan *plan = ward->plan;
	struct progress progress;
	struct plan_task *pt;
	uint64_t total = 0;
	int code = 0;

	for (size_t i = 0; i < plan->tree->tasks.n; i++)
		if (plan->tasks[i].tapes && plan->tasks[i].shared_reading)
			total += plan->tasks[i].task->pages.stored *
				 plan->host->page_size;
	progress_begin(&progress, 2, "restoring memory", total);
	for (size_t i = 0; i < plan->tree->tasks.n && !code; i++) {
		pt = &plan->tasks[i];
		if (pt->tapes && pt->shared_reading)
			code = memory_share(ward, pt, &progress, err);
	}
	progress_end(&progress);
	return code;
}

int perform_tapes(struct birth_ward *ward, struct err *err)
{
	struct plan *plan = ward->plan;
	int code;

	code = leaders_seize(ward, err);
	if (!code)
		code = leaders_go(ward, err);
	if (!code)
		code = memories_share(ward, err);
	for (size_t i = 0; i < plan->tree->tasks.n && !code; i++)
		if (plan->tasks[i].tapes && plan->tasks[i].task->n_threads > 1)
			code = threads_seize(ward, &plan->tasks[i], err);
	for (size_t i = 0; i < plan->tree->tasks.n && !code; i++)
		if (plan->tasks[i].tapes)
			code = task_wait(ward, &plan->tasks[i], err);
	return code;
}

/* Whoever of them is killed meanwhile dies as a task that lives already. */
static int task_keep(const struct plan_task *pt, struct err *err)
{
	struct err told;
	int code;

	for (size_t i = 0; i < pt->task->n_threads; i++) {
		code = ptrace_options_set(pt->task->threads[i].host,
			PTRACE_O_TRACESYSGOOD, &told);
		if (!code || code == -ESRCH)
			continue;
		*err = told;
		return code;
	}
	return 0;
}

int perform_commit(struct birth_ward *ward, struct err *err)
{
	struct plan *plan = ward->plan;
	int code = 0;

	for (size_t i = 0; i < plan->tree->tasks.n && !code; i++)
		if (plan->tasks[i].tapes)
			code = task_keep(&plan->tasks[i], err);
	if (!code)
		board_depart(ward->board);
	return code;
}

/* Tasks that are free already may have killed this one meanwhile; it is told
 * dead to its parent when its tracer has seen it. */
static int thread_depart(const struct plan_task *pt, size_t i, struct err *err)
{
	pid_t host = pt->task->threads[i].host;
	struct err told;
	int code = ptrace_detach(host, 0, &told);

	if (code == -ESRCH) {
		waitpid(host, NULL, __WALL | WNOHANG);
		return 0;
	}
	if (code && err)
		*err = told;
	return code;
}

int perform_depart(struct birth_ward *ward, struct err *err)
{
	bool stop = ward->restore->run->opt->leave_stopped;
	struct plan *plan = ward->plan;
	struct plan_task *pt;
	int code = 0, also;

	for (size_t t = 0; t < plan->tree->tasks.n; t++) {
		pt = &plan->tasks[t];
		if (!pt->tapes)
			continue;
		if (stop)
			kill(pt->task->host, SIGSTOP);
		for (size_t i = 0; i < pt->task->n_threads; i++) {
			also = thread_depart(pt, i, code ? ERR_UNREAD : err);
			code = code ?: also;
		}
	}
	return code;
}
