/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/unkept.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "kernel/kcmp.h"
#include "kernel/ptrace.h"
#include "kernel/sem.h"

enum {
	/* stat.flags: PF_MEMALLOC_NOIO and PF_LOCAL_THROTTLE (5.8). */
	PF_IO_FLUSHER = 0x180000,
	SCHED_CORE = 62, /* PR_SCHED_CORE, 5.14 */
	PORTS_ROOM = 8192,
};

/* --- semaphores ----------------------------------------------------------- */

static int undo_refuse(
	const struct victim *victim, const struct sem_use *use, struct err *err)
{
	err_set(err, EOPNOTSUPP,
		"process %d was the last to change semaphore %d of set %d "
		"(value %d) and would have changes undone at its end "
		"(SEM_UNDO): the dump would release what it holds",
		victim->pid, use->at, use->set, use->value);
	return err_hint(err,
		"dump it when it holds no semaphore; ipcs -s -i %d shows the "
		"set",
		use->set);
}

/* Threads of one process have one list, others have their own; a process
 * that has none at all compares as we do. */
static int undo_check(
	struct dump *dump, const struct victim *victim, struct err *err)
{
	struct sem_uses uses;
	bool lists = false;
	int way, code = 0;

	if (!dump->semaphores_seen)
		sem_list(dump->arena, &dump->semaphores);
	dump->semaphores_seen = true;
	uses = dump->semaphores;
	for (size_t i = 0; uses.n && i < victim->threads.n && !lists; i++) {
		code = kcmp_compare(victim->threads.at[i]->tid, getpid(),
			KCMP_SYSVSEM, 0, 0, &way, err);
		if (code)
			return code;
		lists = way != 0;
	}
	for (size_t i = 0; lists && i < uses.n; i++)
		if (uses.at[i].last == victim->pid)
			return undo_refuse(victim, &uses.at[i], err);
	return 0;
}

/* --- threads -------------------------------------------------------------- */

static int shares_check(const struct victim_thread *thread, int type,
	const char *what, struct err *err)
{
	int way, code;

	code = kcmp_compare(
		thread->tid, thread->victim->pid, type, 0, 0, &way, err);
	if (code || !way)
		return code;
	err_set(err, EOPNOTSUPP,
		"thread %d of process %d has %s of its own (unshare(2)), which "
		"cannot be dumped yet",
		thread->tid, thread->victim->pid, what);
	return err_hint(err, "all threads of a process must share them");
}

/* The kernel's ends with a newline, or a NUL. */
static const char *label_copy(struct arena *arena, const char *label)
{
	return arena_printf(arena, "%.*s", (int)strcspn(label, "\n"), label);
}

static int mode_refuse(const struct victim_thread *thread, const char *what,
	const char *hint, struct err *err)
{
	err_set(err, EOPNOTSUPP,
		"thread %d of process %d %s, which cannot be dumped yet",
		thread->tid, thread->victim->pid, what);
	return err_hint(err, "%s", hint);
}

static int flags_check(const struct victim_thread *thread, struct err *err)
{
	const struct proc *proc = &thread->victim->proc;
	struct proc_stat stat;
	uint64_t cookie = 0;
	int code;

	code = proc_stat_read(proc, thread->tid, &stat, err);
	if (code)
		return code;
	if ((stat.flags & PF_IO_FLUSHER) == PF_IO_FLUSHER)
		return mode_refuse(thread,
			"writes out for others (PR_SET_IO_FLUSHER)",
			"have it end that (prctl(PR_SET_IO_FLUSHER, 0)) before "
			"the checkpoint",
			err);
	/* PR_SCHED_CORE_GET, of that thread alone. */
	if (!prctl(SCHED_CORE, 0, thread->tid, 0, &cookie) && cookie)
		return mode_refuse(thread,
			"shares its core only with its group (PR_SCHED_CORE)",
			"start the program without core scheduling (coresched)",
			err);
	return 0;
}

/* A newborn has the label of its maker: with less of a fence, or more. */
static int label_check(
	struct dump *dump, const struct victim_thread *thread, struct err *err)
{
	enum { LABEL_ROOM = 4096 };
	const struct proc *proc = &thread->victim->proc;
	_cleanup_proc_ struct proc own = PROC_CLOSED;
	char label[LABEL_ROOM];

	if (!dump->own_label) {
		dump->own_label = "";
		if (!proc_open(getpid(), &own, ERR_UNREAD) &&
			!proc_read_small(&own, 0, "attr/current", label,
				LABEL_ROOM, NULL, ERR_UNREAD))
			dump->own_label = label_copy(dump->arena, label);
	}
	/* Without a security module there is none to be read. */
	if (!*dump->own_label ||
		proc_read_small(proc, thread->tid, "attr/current", label,
			LABEL_ROOM, NULL, ERR_UNREAD) ||
		!strcmp(label_copy(dump->arena, label), dump->own_label))
		return 0;
	err_set(err, EOPNOTSUPP,
		"thread %d of process %d is confined as '%s' by a security "
		"module, stasis as '%s': the confinement would be lost",
		thread->tid, proc->pid, label_copy(dump->arena, label),
		dump->own_label);
	return err_hint(err, "start stasis with that label, here and for the "
			     "restore (aa-exec -p, runcon)");
}

static int ports_check(const struct backend *be,
	const struct victim_thread *thread, struct err *err)
{
	uint8_t ports[PORTS_ROOM];
	size_t size = sizeof(ports);

	if (!be->ports_note ||
		ptrace_regset_get(thread->tid, be->ports_note, ports, &size,
			ERR_UNREAD) ||
		!size)
		return 0;
	err_set(err, EOPNOTSUPP,
		"thread %d of process %d may use ports of the machine "
		"(ioperm), which cannot be dumped",
		thread->tid, thread->victim->pid);
	return err_hint(err, "have the program give them back first");
}

static int thread_check(
	struct dump *dump, const struct victim_thread *thread, struct err *err)
{
	int code = 0;

	if (thread != thread->victim->threads.at[0])
		code = shares_check(thread, KCMP_FILES, "open files", err)
			       ?: shares_check(thread, KCMP_FS,
					  "a working directory, root and umask",
					  err);
	code = code ?: label_check(dump, thread, err);
	return code ?: flags_check(thread, err)
		?: ports_check(dump->run->be, thread, err);
}

int unkept_check(
	struct dump *dump, const struct victim *victim, struct err *err)
{
	int code = undo_check(dump, victim, err);

	for (size_t i = 0; i < victim->threads.n && !code; i++)
		code = thread_check(dump, victim->threads.at[i], err);
	return code;
}

/* --- terminals ------------------------------------------------------------ */

/* The session of the restore has a terminal of its own. */
int unkept_check_terminals(const struct dump *dump, struct err *err)
{
	const struct task *root = dump->tree.root, *task;
	const struct victim *victim;

	for (size_t i = 0; i < dump->victims.n; i++) {
		victim = dump->victims.at[i];
		task = victim->task;
		if (!victim->threads.at[0]->stat.tty_nr ||
			victim->state == TASK_DEAD ||
			(task->sid == root->sid && root->sid != root->pid))
			continue;
		err_set(err, EOPNOTSUPP,
			"session %d of process %d has a controlling terminal, "
			"which cannot be dumped yet",
			task->sid, victim->pid);
		return err_hint(err,
			"start the program without one: setsid PROGRAM "
			"</dev/null");
	}
	return 0;
}
