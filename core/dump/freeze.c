/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/freeze.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "base/log.h"
#include "kernel/pidfd.h"
#include "kernel/ptrace.h"

enum { PF_KTHREAD = 0x200000, PASSES_MAX = 64 };

static struct victim *victim_find(const struct dump *dump, pid_t pid)
{
	for (size_t i = 0; i < dump->victims.n; i++)
		if (dump->victims.at[i]->pid == pid)
			return dump->victims.at[i];
	return NULL;
}

static struct victim_thread *thread_find(struct victim *victim, pid_t tid)
{
	for (size_t i = victim->threads.n; i-- > 0;)
		if (victim->threads.at[i]->tid == tid)
			return victim->threads.at[i];
	return NULL;
}

/* The options that make a seized thread fit for injection. Suspending
 * seccomp wants CAP_SYS_ADMIN; a task without filters does not need it. */
static int thread_seize(pid_t tid, struct err *err)
{
	unsigned long options = PTRACE_O_TRACESYSGOOD;
	int code;

	code = ptrace_seize(tid, options | PTRACE_O_SUSPEND_SECCOMP, err);
	if (code == -EPERM || code == -EINVAL)
		code = ptrace_seize(tid, options, err);
	return code;
}

/* Seize what is new in the thread list. */
static int threads_seize(struct dump *dump, struct victim *victim,
	size_t *ret_new, struct err *err)
{
	struct victim_thread *thread;
	pid_t *tids;
	size_t n, seized = 0;
	int code;

	code = proc_list_threads(dump->arena, &victim->proc, &tids, &n, err);
	for (size_t i = 0; i < n && !code; i++) {
		/* Both lists ascend: one comparison finds most of the known. */
		if (i < victim->threads.n &&
			victim->threads.at[i]->tid == tids[i])
			continue;
		if (thread_find(victim, tids[i]))
			continue;
		code = thread_seize(tids[i], err);
		if (code == -ESRCH && tids[i] != victim->pid) {
			code = 0;
			continue;
		}
		if (code)
			return err_wrap(
				err, "freezing process %d", victim->pid);
		thread = arena_new1(dump->arena, struct victim_thread);
		*vec_push(dump->arena, &victim->threads) = thread;
		thread->tid = tids[i];
		thread->victim = victim;
		thread->seized = true;
		seized++;
	}
	if (!code)
		*ret_new = seized;
	return code;
}

static int thread_stop(
	struct victim *victim, struct victim_thread *thread, struct err *err)
{
	int signal, code;

	code = ptrace_wait_interrupted(thread->tid, &signal, err);
	if (code)
		return code;
	thread->stopped = true;
	if (signal != SIGTRAP) {
		victim->state = TASK_STOPPED;
		victim->stop_signal = signal;
	}
	return 0;
}

/* A thread that ended between being listed and being stopped. */
static void thread_forget(struct victim *victim, size_t i)
{
	for (; i + 1 < victim->threads.n; i++)
		victim->threads.at[i] = victim->threads.at[i + 1];
	victim->threads.n--;
}

static int threads_stop(struct victim *victim, size_t from, struct err *err)
{
	struct victim_thread *thread;
	int code;

	for (size_t i = from; i < victim->threads.n; i++) {
		code = ptrace_interrupt(victim->threads.at[i]->tid, err);
		if (code && code != -ESRCH)
			return code;
	}
	for (size_t i = from; i < victim->threads.n;) {
		thread = victim->threads.at[i];
		code = thread_stop(victim, thread, err);
		if (code == -ESRCH && thread->tid != victim->pid) {
			thread_forget(victim, i);
			continue;
		}
		if (code)
			return err_wrap(
				err, "freezing process %d", victim->pid);
		i++;
	}
	return 0;
}

static int process_stop(
	struct dump *dump, struct victim *victim, struct err *err)
{
	size_t before, fresh;
	int code;

	for (int pass = 0; pass < PASSES_MAX; pass++) {
		before = victim->threads.n;
		code = threads_seize(dump, victim, &fresh, err);
		if (!code && !fresh)
			return 0;
		if (!code)
			code = threads_stop(victim, before, err);
		if (code)
			return code;
	}
	return err_set(err, EAGAIN,
		"process %d makes threads faster than they can be frozen",
		victim->pid);
}

static int stat_check(const struct proc_stat *stat, struct err *err)
{
	if (stat->flags & PF_KTHREAD) {
		err_set(err, EINVAL, "%d (%s) is a kernel thread", stat->pid,
			stat->comm);
		return err_hint(err, "only user processes can be dumped");
	}
	return 0;
}

static int status_check(const struct proc_status *status,
	const struct proc_stat *stat, struct err *err)
{
	if (status->tracer_pid) {
		err_set(err, EBUSY,
			"process %d (%s) is already traced by process %d",
			stat->pid, stat->comm, status->tracer_pid);
		return err_hint(
			err, "let the debugger or tracer detach from it first");
	}
	return 0;
}

static int victim_add(
	struct dump *dump, pid_t pid, struct victim **ret, struct err *err)
{
	struct victim *victim = arena_new1(dump->arena, struct victim);
	struct proc_status status;
	struct proc_stat stat;
	int code;

	victim->pid = pid;
	victim->pidfd = -1;
	victim->state = TASK_ALIVE;
	code = proc_open(pid, &victim->proc, err);
	if (code)
		return code;
	*vec_push(dump->arena, &dump->victims) = victim;
	code = proc_stat_read(&victim->proc, 0, &stat, err);
	if (!code)
		code = stat_check(&stat, err);
	if (code)
		return code;
	if (stat.state == 'Z' || stat.state == 'X')
		victim->state = TASK_DEAD;
	if (victim->state != TASK_DEAD) {
		code = proc_status_read(
			dump->arena, &victim->proc, 0, &status, err);
		if (!code)
			code = status_check(&status, &stat, err);
	}
	*ret = victim;
	return code;
}

/* It may die while it is being seized: then it is a zombie, or gone. */
static int process_freeze(struct dump *dump, pid_t pid, struct err *err)
{
	struct victim_thread *leader;
	struct victim *victim = NULL;
	struct proc_stat stat;
	int code;

	code = victim_add(dump, pid, &victim, err);
	if (!code && victim->state != TASK_DEAD)
		code = process_stop(dump, victim, err);
	if (code && victim && victim->state != TASK_DEAD &&
		!proc_stat_read(&victim->proc, 0, &stat, NULL) &&
		stat.state == 'Z' && !victim->threads.n) {
		victim->state = TASK_DEAD;
		code = 0;
	}
	if (code)
		return code;
	if (victim->state == TASK_DEAD) {
		leader = arena_new1(dump->arena, struct victim_thread);
		*vec_push(dump->arena, &victim->threads) = leader;
		leader->tid = pid;
		leader->victim = victim;
		return 0;
	}
	return pidfd_open_task(pid, 0, &victim->pidfd, err);
}

/* Children that are not known yet; -ESRCH of a vanished child is no error. */
static int children_freeze(struct dump *dump, struct victim *victim,
	size_t *ret_new, struct err *err)
{
	pid_t *pids;
	size_t n;
	int code;

	code = proc_list_children(dump->arena, &victim->proc, &pids, &n, err);
	if (code)
		return code;
	for (size_t i = 0; i < n; i++) {
		if (victim_find(dump, pids[i]))
			continue;
		code = process_freeze(dump, pids[i], err);
		if (code == -ESRCH) {
			dump->victims.n -= !victim_find(dump, pids[i]) ? 0 : 1;
			continue;
		}
		if (code)
			return code;
		++*ret_new;
	}
	return 0;
}

static int root_check(pid_t root, struct err *err)
{
	struct proc_stat stat;
	struct proc proc;
	pid_t pid = getpid();
	int code;

	if (root == 1) {
		err_set(err, EINVAL, "process 1 is the init process");
		return err_hint(err, "choose a process below it");
	}
	while (pid > 1) {
		if (pid == root) {
			err_set(err, EINVAL,
				pid == getpid()
					? "process %d is this very program"
					: "process %d is an ancestor of this "
					  "very program",
				root);
			return err_hint(err,
				"start the dump from outside the tree that is "
				"to be dumped");
		}
		code = proc_open(pid, &proc, err);
		if (!code)
			code = proc_stat_read(&proc, 0, &stat, err);
		proc_close(&proc);
		if (code)
			return code;
		pid = stat.ppid;
	}
	return 0;
}

int freeze_tree(struct dump *dump, pid_t root, struct err *err)
{
	size_t fresh = 1;
	int code;

	code = root_check(root, err);
	if (!code)
		code = process_freeze(dump, root, err);
	if (!code && dump->victims.at[0]->state == TASK_DEAD)
		return err_set(err, ESRCH,
			"process %d has ended (a zombie is all that is left)",
			root);
	while (!code && fresh) {
		fresh = 0;
		for (size_t i = 0; i < dump->victims.n && !code; i++)
			code = children_freeze(
				dump, dump->victims.at[i], &fresh, err);
	}
	return code;
}

static int thread_release(struct victim_thread *thread, struct err *err)
{
	int code;

	if (!thread->seized)
		return 0;
	/* Detaching needs a stop; a thread seized a moment ago may run. */
	if (!thread->stopped) {
		ptrace_interrupt(thread->tid, NULL);
		ptrace_wait_interrupted(thread->tid, &(int){0}, NULL);
	}
	for (int sig = 1; sig < 64; sig++)
		if (thread->held & 1ull << (sig - 1))
			kill(thread->victim->pid, sig);
	code = ptrace_detach(thread->tid, 0, err);
	thread->seized = false;
	return code == -ESRCH ? 0 : code;
}

static int victim_release(struct victim *victim, bool stop, struct err *err)
{
	int code = 0, also;

	if (stop && victim->state == TASK_ALIVE && victim->pidfd >= 0)
		code = pidfd_kill(victim->pidfd, victim->pid, SIGSTOP, err);
	for (size_t i = 0; i < victim->threads.n; i++) {
		also = thread_release(victim->threads.at[i], code ? NULL : err);
		code = code ?: also;
	}
	return code;
}

static void victim_reap(struct victim *victim)
{
	int status;

	for (size_t i = victim->threads.n; i-- > 0;)
		if (victim->threads.at[i]->seized)
			waitpid(victim->threads.at[i]->tid, &status, __WALL);
}

static int victims_kill(struct dump *dump, struct err *err)
{
	struct victim *victim = NULL;
	int code = 0;

	/* All first, then reap: nobody sees his child or parent die early. */
	for (size_t i = 0; i < dump->victims.n; i++) {
		victim = dump->victims.at[i];
		if (victim->pidfd >= 0)
			code = pidfd_kill(victim->pidfd, victim->pid, SIGKILL,
				       code ? NULL : err)
				       ?: code;
	}
	for (size_t i = 0; i < dump->victims.n; i++)
		victim_reap(dump->victims.at[i]);
	return code;
}

int freeze_release(struct dump *dump, enum freeze_release how, struct err *err)
{
	struct victim *victim = NULL;
	int code = 0, also;

	if (how == RELEASE_KILL)
		code = victims_kill(dump, err);
	for (size_t i = 0; i < dump->victims.n; i++) {
		victim = dump->victims.at[i];
		if (how != RELEASE_KILL) {
			also = victim_release(
				victim, how == RELEASE_STOP, code ? NULL : err);
			code = code ?: also;
		}
		if (victim->pidfd >= 0)
			close(victim->pidfd);
		victim->pidfd = -1;
		proc_close(&victim->proc);
	}
	return code;
}
