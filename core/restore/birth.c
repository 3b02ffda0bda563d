/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/birth.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ending.h"
#include "base/log.h"
#include "kernel/clone3.h"
#include "kernel/keyring.h"
#include "kernel/proc.h"
#include "kernel/ptrace.h"
#include "restore/skeleton.h"
#include "restore/timens.h"

/* Of all that will be born. */
static void pids_planned(
	const struct plan *plan, struct arena *arena, struct index *ret)
{
	struct task *task;

	for (size_t i = 0; i < plan->births.n; i++)
		if (plan->births.at[i]->pid)
			*index_slot(
				arena, ret, (uint64_t)plan->births.at[i]->pid) =
				plan->births.at[i];
	for (size_t i = 0; i < plan->tree->tasks.n; i++) {
		task = plan->tree->tasks.at[i];
		for (size_t k = 0; k < task->n_threads; k++)
			*index_slot(arena, ret,
				(uint64_t)task->threads[k].tid) = task;
	}
}

/* Helpers that may have any pid get one that the kernel, which counts up,
 * will not give away soon. */
static void pids_choose(const struct plan *plan)
{
	enum { FROM = 32000, LOWEST = 300 };
	_cleanup_arena_ struct arena *arena = arena_new();
	struct index planned = {0};
	pid_t pid = getpid();

	pids_planned(plan, arena, &planned);
	for (size_t i = 0; i < plan->births.n; i++) {
		if (plan->births.at[i]->pid)
			continue;
		do
			pid = pid > LOWEST ? pid - 1 : FROM;
		while (kill(pid, 0) == 0 || errno != ESRCH ||
			index_get(&planned, (uint64_t)pid));
		plan->births.at[i]->pid = pid;
	}
}

int birth_begin(struct birth_ward *ward, struct err *err)
{
	int was = 0, code;

	ward->reels = REELS_NONE;
	ward->time_ns = -1;
	code = board_new(ward->plan->births.n, &ward->board, err);
	if (code < 0)
		return code;
	pids_choose(ward->plan);
	prctl(PR_GET_CHILD_SUBREAPER, &was);
	ward->was_subreaper = was;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (size_t i = 0; i < ward->plan->tree->tasks.n; i++)
		ward->n_tasks += ward->plan->tasks[i].tapes != NULL;
	return reels_press(ward->plan, &ward->reels, err);
}

/* Masks are inherited: nothing shall reach a newborn before its time. */
static void signals_block(sigset_t *ret_mask)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGTRAP);
	sigprocmask(SIG_SETMASK, &all, ret_mask);
}

/* Ignored signals are inherited; newborns must begin with none. */
static void signals_reset(void)
{
	struct sigaction action;

	for (int sig = 1; sig < _NSIG; sig++)
		if (!sigaction(sig, NULL, &action) &&
			action.sa_handler == SIG_IGN)
			signal(sig, SIG_DFL);
}

static bool is_of_other(const CredsEntry *creds, const struct facts *facts)
{
	return creds && (creds->uid != facts->uid[PROC_ID_REAL] ||
				creds->euid != facts->uid[PROC_ID_EFFECTIVE] ||
				creds->suid != facts->uid[PROC_ID_SAVED]);
}

static bool any_of_other(const struct plan *plan)
{
	const struct task *task;

	for (size_t i = 0; i < plan->tree->tasks.n; i++) {
		task = plan->tree->tasks.at[i];
		if (!plan->tasks[i].tapes)
			continue;
		for (size_t k = 0; k < task->n_threads; k++)
			if (is_of_other(
				    task->threads[k].core->thread_core->creds,
				    plan->facts))
				return true;
	}
	return false;
}

/* Our keys are not for other users. */
static void keys_leave(struct birth_ward *ward)
{
	struct err err = {0};

	if (!any_of_other(ward->plan) || !keyring_leave(&err))
		return;
	board_fail(ward->board, &err);
	_exit(1);
}

static int root_fork(struct birth_ward *ward, struct err *err)
{
	struct birth *root = ward->plan->births.at[0];
	struct clone3_wish wish = {
		.flags = CLONE_CLEAR_SIGHAND,
		.set_tid = &root->pid,
		.set_tid_n = 1,
		.exit_signal = SIGCHLD,
	};
	pid_t pid;
	int code;

	if (ward->restore->run->opt->restore_sibling) {
		wish.flags |= CLONE_PARENT;
		wish.exit_signal = 0;
	}
	code = clone3_fork(&wish, &pid, err);
	if (code)
		return skeleton_taken(root, code, err);
	if (pid == 0) {
		signals_reset();
		keys_leave(ward);
		skeleton_live(ward, root);
	}
	ward->board->births[0] = (struct board_birth){1, pid};
	return 0;
}

/* Has somebody died without a word? */
static int deaths_check(struct birth_ward *ward, struct err *err)
{
	struct proc_stat stat;
	struct birth *birth;
	char label[ENDING_LABEL];
	struct proc proc;
	int code;

	for (size_t i = 0; i < ward->plan->births.n; i++) {
		birth = ward->plan->births.at[i];
		if (!ward->board->births[i].exists || !birth->plan)
			continue;
		code = proc_open(
			ward->board->births[i].host, &proc, ERR_UNREAD);
		if (!code)
			code = proc_stat_read(&proc, 0, &stat, ERR_UNREAD);
		proc_close(&proc);
		if (!code && stat.state != 'Z')
			continue;
		return err_set(err, ECHILD,
			"task %d died while it was being made%s%s", birth->pid,
			code ? "" : ": ",
			code ? "" : ending_label((int)stat.exit_code, label));
	}
	return 0;
}

static int tree_wait(struct birth_ward *ward, struct err *err)
{
	enum { TICK = 50, TICKS_QUIET = 4 };
	struct board *board = ward->board;
	int code;

	for (int tick = 1;; tick++) {
		if (board_watch(&board->ready, (uint32_t)ward->n_tasks, TICK))
			return 0;
		if (board_failed(board))
			return err_copy(err, &board->err);
		code = run_step(ward->restore->run, "restore.birth", err);
		if (!code && tick % TICKS_QUIET == 0)
			code = deaths_check(ward, err);
		if (code)
			return code;
	}
}

/* Threads are looked for when they are there. */
static void hosts_learn(struct birth_ward *ward)
{
	struct task *task;

	for (size_t i = 0; i < ward->plan->births.n; i++) {
		task = ward->plan->births.at[i]->task;
		if (!task)
			continue;
		task->host = ward->board->births[i].host;
		for (size_t k = 0; k < task->n_threads; k++)
			task->threads[k].host = task->threads[k].tid;
	}
}

int birth_tree(struct birth_ward *ward, struct err *err)
{
	sigset_t mask;
	int code;

	code = timens_enter(ward->restore, &ward->time_ns, err);
	if (code)
		return code;
	signals_block(&mask);
	code = root_fork(ward, err);
	/* At once: kernels before 6.7 refuse every vfork meanwhile. */
	timens_leave(ward->time_ns);
	ward->time_ns = -1;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	code = code ?: tree_wait(ward, err);
	if (!code)
		hosts_learn(ward);
	return code;
}

/* It ends by itself, and then its pid may be anybody's. */
static bool is_passing(const struct birth *birth)
{
	return !birth->task && !birth->leads_session && !birth->leads_group;
}

void birth_kill(struct birth_ward *ward)
{
	struct err stop = {.code = ECANCELED, .text = "the restore failed"};
	const struct board_birth *born;

	board_fail(ward->board, &stop);
	for (size_t i = 0; i < ward->plan->births.n; i++) {
		born = &ward->board->births[i];
		if (born->exists && born->host &&
			!is_passing(ward->plan->births.at[i]))
			kill(born->host, SIGKILL);
	}
}

/* Was killed: until it is seen dead. One that sleeps inside the kernel for
 * longer than all patience is left to die alone. */
static bool reap(pid_t host, int *patience_ms)
{
	int code = ptrace_wait_end_for(host, *patience_ms, ERR_UNREAD);

	if (code != -ETIMEDOUT)
		return !code;
	*patience_ms = 0;
	log_warn("task %d was killed, but does not die yet: it sleeps inside "
		 "the kernel",
		host);
	return false;
}

/* A leader is not told dead while we have not seen its traced threads die. */
static void threads_reap(const struct birth *birth, int *patience_ms)
{
	const struct task *task = birth->task;

	for (size_t i = 1; task && i < task->n_threads; i++)
		if (task->threads[i].host)
			reap(task->threads[i].host, patience_ms);
}

/* Orphans come to us one by one, as their parents die. */
static void newborns_reap(struct birth_ward *ward, int *patience_ms)
{
	struct board_birth *born;
	bool left = true;

	while (left && *patience_ms) {
		left = false;
		for (size_t i = 0; i < ward->plan->births.n; i++) {
			born = &ward->board->births[i];
			if (!born->exists || !born->host)
				continue;
			threads_reap(ward->plan->births.at[i], patience_ms);
			if (reap(born->host, patience_ms))
				left = true;
			else if (kill(born->host, 0))
				born->exists = 0;
		}
	}
}

void birth_abort(struct birth_ward *ward)
{
	int patience_ms = PTRACE_PATIENCE_MS;

	if (!ward->board)
		return;
	/* Twice: one may have forked while the first round went on. */
	for (int round = 0; round < 2; round++) {
		birth_kill(ward);
		newborns_reap(ward, &patience_ms);
	}
}

void birth_end(struct birth_ward *ward)
{
	timens_leave(ward->time_ns);
	ward->time_ns = -1;
	prctl(PR_SET_CHILD_SUBREAPER, ward->was_subreaper);
	reels_close(&ward->reels);
	if (ward->board)
		board_free(ward->board, ward->plan->births.n);
	ward->board = NULL;
}
