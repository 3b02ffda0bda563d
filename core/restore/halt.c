/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/halt.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "kernel/proc.h"
#include "kernel/ptrace.h"

enum { NAP_NS = 200000 };

static uint32_t news_of(const struct task *task)
{
	/* Images that do not say it: a stop may well be news. */
	if (!task->extra || !task->extra->has_news)
		return task->state == TASK_STOPPED ? CLD_STOPPED : 0;
	return task->extra->news;
}

/* Was it stopped, or continued and nobody was told? */
static bool halts(const struct task *task)
{
	return task->state == TASK_STOPPED ||
	       (task->state == TASK_ALIVE && news_of(task) == CLD_CONTINUED);
}

static int stop_signal(const struct task *task)
{
	const TaskCoreEntry *tc = task->threads[0].core->tc;

	switch (tc->stop_signo) {
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return (int)tc->stop_signo;
	default:
		return SIGSTOP;
	}
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
}

/* An orphan comes to its parent only when the helper that made it ends. */
static bool stop_await(struct birth_ward *ward, pid_t pid, int flags)
{
	siginfo_t info = {0};

	while (waitid(P_PID, (id_t)pid, &info,
		       WSTOPPED | WNOHANG | __WALL | flags) ||
		!info.si_pid) {
		if (board_lost(ward->board))
			return false;
		nap();
	}
	return true;
}

void halt_children(struct birth_ward *ward, const struct task *task)
{
	const struct task *child;
	bool told;

	for (size_t i = 0; i < task->children.n; i++) {
		child = task->children.at[i];
		if (!halts(child))
			continue;
		told = news_of(child) != CLD_STOPPED;
		if (stop_await(ward, child->pid, told ? 0 : WNOWAIT) &&
			child->state != TASK_STOPPED)
			kill(child->pid, SIGCONT);
	}
}

static void stop_raise(int sig)
{
	sigset_t mask, old;

	sigemptyset(&mask);
	sigaddset(&mask, sig);
	sigprocmask(SIG_UNBLOCK, &mask, &old);
	raise(sig);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

void halt_pass(const struct task *task)
{
	/* The root has no parent here that would continue it. */
	if (task->state != TASK_ALIVE || !task->parent || !halts(task))
		return;
	raise(SIGSTOP);
	/* All signals are blocked, and so it waits: forget it. */
	signal(SIGCONT, SIG_DFL);
}

static bool going(const struct board *board)
{
	return __atomic_load_n(&board->go, __ATOMIC_ACQUIRE) != 0;
}

int halt_until_go(struct birth_ward *ward, const struct task *task)
{
	struct board *board = ward->board;
	int sig = stop_signal(task);

	if (task->state != TASK_STOPPED)
		return board_wait_go(board, (uint32_t)ward->n_tasks);
	/* One that is stopped cannot see that all is lost. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	board_arrive(&board->ready);
	if (sig != SIGSTOP)
		stop_raise(sig);
	while (!going(board) && !board_lost(board))
		raise(SIGSTOP);
	prctl(PR_SET_PDEATHSIG, 0);
	return going(board) ? 0 : -ECANCELED;
}

int halt_look(const struct thread *thread, bool *ret_stopped, struct err *err)
{
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	struct proc_stat stat = {0};
	int code = proc_open(thread->task->host, &proc, err);

	/* The thread may not be there yet; its task is. */
	if (!code)
		code = proc_stat_read(&proc, thread->host, &stat, ERR_UNREAD);
	if (code == -ENOENT || code == -ESRCH)
		stat.state = '?';
	else if (code)
		return err_code(err, code, "looking at thread %d", thread->tid);
	if (stat.state == 'Z')
		return err_set(err, ECHILD,
			"task %d died before it could be stopped again",
			thread->task->pid);
	*ret_stopped = stat.state == 'T';
	if (!*ret_stopped)
		nap();
	return 0;
}

int halt_see(const struct thread *thread, const struct patience *patience,
	struct err *err)
{
	int status;

	return thread->task->state == TASK_STOPPED
		       ? ptrace_wait_patiently(
				 thread->host, patience, &status, err)
		       : 0;
}

int halt_leave(const struct thread *thread, struct err *err)
{
	return thread->task->state == TASK_STOPPED
		       ? ptrace_cont(thread->host, 0, err)
		       : 0;
}
