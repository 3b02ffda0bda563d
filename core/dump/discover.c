/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/discover.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>

#include "dump/namespaces.h"
#include "dump/sharing.h"
#include "dump/unkept.h"
#include "kernel/ptrace.h"
#include "model/extra.h"

/* What is injected makes system calls that a filter need not allow: it must
 * have been suspended, which is not everybody's right. */
static int seccomp_check(const struct victim_thread *thread, struct err *err)
{
	if (!thread->seized || thread->status.seccomp <= 0 ||
		!ptrace_options_set(thread->tid,
			PTRACE_O_TRACESYSGOOD | PTRACE_O_SUSPEND_SECCOMP,
			ERR_UNREAD))
		return 0;
	err_set(err, EPERM,
		"thread %d is confined by seccomp, which cannot be suspended",
		thread->tid);
	return err_hint(err, "that needs CAP_SYS_ADMIN, and an engine that is "
			     "not confined itself");
}

/* In its own pid namespace, which is the innermost that it has a pid in. */
static pid_t pid_inside(const struct proc_status *status, pid_t host)
{
	return status->nspid_n > 1 ? status->nspid[status->nspid_n - 1] : host;
}

static int thread_look(
	struct dump *dump, struct victim_thread *thread, struct err *err)
{
	struct proc *proc = &thread->victim->proc;
	int code;

	code = proc_status_read(
		dump->arena, proc, thread->tid, &thread->status, err);
	if (code)
		return code;
	thread->vtid = pid_inside(&thread->status, thread->tid);
	return seccomp_check(thread, err);
}

static int victim_look(
	struct dump *dump, struct victim *victim, struct err *err)
{
	int code;

	for (size_t i = 0; i < victim->threads.n; i++) {
		code = thread_look(dump, victim->threads.at[i], err);
		if (code)
			return code;
	}
	if (victim == dump->victims.at[0])
		dump->own_pids = victim->threads.at[0]->status.nspid_n > 1;
	victim->vpid = victim->threads.at[0]->vtid;
	victim->exit_code = victim->threads.at[0]->stat.exit_code;
	if (victim->state == TASK_DEAD)
		return 0;
	code = maps_read(dump->arena, &victim->proc, &victim->maps, err);
	if (!code)
		code = proc_read_auxv(dump->arena, &victim->proc, &victim->auxv,
			&victim->n_auxv, err);
	return code;
}

static void pid_learn(struct dump *dump, pid_t host, pid_t inside)
{
	if (host && inside)
		*index_slot(dump->arena, &dump->pids, (uint64_t)host) =
			(void *)(intptr_t)inside;
}

/* What others may call by number: F_SETOWN, credentials of messages ... */
static void pids_learn(struct dump *dump, const struct victim *victim)
{
	const struct victim_thread *thread;

	for (size_t i = 0; i < victim->threads.n; i++) {
		thread = victim->threads.at[i];
		pid_learn(dump, thread->tid, thread->vtid);
	}
	pid_learn(dump, victim->threads.at[0]->stat.pgid, victim->task->pgid);
	pid_learn(dump, victim->threads.at[0]->stat.sid, victim->task->sid);
}

/* Parent, group and session as the tree's own pid namespace calls them; 0:
 * they are outside of it. */
static void family_fill(struct dump *dump, const struct victim *victim)
{
	const struct victim_thread *leader = victim->threads.at[0];
	struct task *task = victim->task;
	const struct victim *parent;

	task->ppid = leader->stat.ppid;
	task->pgid = leader->stat.pgid;
	task->sid = leader->stat.sid;
	if (!dump->own_pids)
		return;
	parent = index_get(&dump->victims_by_pid, (uint64_t)task->ppid);
	task->ppid = parent ? parent->vpid : 0;
	task->pgid = leader->status.ns_pgid;
	task->sid = leader->status.ns_sid;
	pids_learn(dump, victim);
}

static void task_fill(struct dump *dump, struct victim *victim)
{
	struct task *task = tree_add(dump->arena, &dump->tree, victim->vpid);

	victim->task = task;
	task->host = victim->pid;
	family_fill(dump, victim);
	task->state = victim->state;
	task->n_threads = victim->threads.n;
	task->threads = arena_newn(dump->arena, struct thread, task->n_threads);
	for (size_t i = 0; i < task->n_threads; i++) {
		task->threads[i].tid = victim->threads.at[i]->vtid;
		task->threads[i].host = victim->threads.at[i]->tid;
		task->threads[i].task = task;
		victim->threads.at[i]->thread = &task->threads[i];
	}
	if (task->state == TASK_DEAD)
		return;
	task->mm = arena_new1(dump->arena, MmEntry);
	mm_entry__init(task->mm);
}

/* The root's new parent is told of its end as everybody is. */
static void exit_signal_keep(struct dump *dump, const struct victim *victim)
{
	int sig = victim->threads.at[0]->stat.exit_signal;
	StasisTaskExtra *extra;

	if (victim == dump->victims.at[0] || sig == SIGCHLD || sig < 0)
		return;
	extra = extra_of_task(dump->arena, victim);
	extra->has_exit_signal = 1;
	extra->exit_signal = (uint32_t)sig;
}

/* Restore gives the tasks back their session only if its leader is there. */
static int session_check(const struct dump *dump, struct err *err)
{
	const struct task *root = dump->tree.root;

	if (dump->run->opt->shell_job || root->sid == root->pid)
		return 0;
	err_set(err, EINVAL,
		"process %d belongs to session %d, whose leader is not in the "
		"tree",
		root->pid, root->sid);
	return err_hint(err,
		"use --shell-job for what was started from a shell, here and "
		"at restore");
}

/* Subreapers receive grandchildren while we look: take parents from stat. */
int discover_victims(struct dump *dump, struct err *err)
{
	struct victim *victim;
	int code;

	for (size_t i = 0; i < dump->victims.n; i++) {
		victim = dump->victims.at[i];
		code = victim_look(dump, victim, err);
		if (!code && victim->state != TASK_DEAD)
			code = namespaces_check(dump, victim, err)
				       ?: unkept_check(dump, victim, err);
		if (code)
			return code;
		task_fill(dump, victim);
		exit_signal_keep(dump, victim);
	}
	dump->tree.tasks.at[0]->ppid = 0;
	code = tree_link(dump->arena, &dump->tree, err);
	if (!code)
		code = session_check(dump, err);
	if (!code)
		code = unkept_check_terminals(dump, err);
	if (!code)
		code = sharing_find(dump, err);
	return code;
}

static int victim_glance(
	struct dump *dump, struct victim *victim, struct err *err)
{
	int code = thread_look(dump, victim->threads.at[0], err);

	if (victim == dump->victims.at[0])
		dump->own_pids = victim->threads.at[0]->status.nspid_n > 1;
	victim->vpid = victim->threads.at[0]->vtid;
	if (!code && victim->state != TASK_DEAD)
		code = maps_read(
			dump->arena, &victim->proc, &victim->maps, err);
	if (!code)
		task_fill(dump, victim);
	return code;
}

int discover_briefly(struct dump *dump, struct err *err)
{
	int code = 0;

	for (size_t i = 0; i < dump->victims.n && !code; i++)
		code = victim_glance(dump, dump->victims.at[i], err);
	return code;
}
