/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/freeze.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>

#include "base/log.h"
#include "inject/remote.h"
#include "kernel/pidfd.h"
#include "kernel/ptrace.h"

enum {
	PF_KTHREAD = 0x200000,
	PASSES_MAX = 64,
	LET_GO_MS = 50,
	LOOK_MS = 100, /* between looks at INT and TERM */
};

static struct victim *victim_find(const struct dump *dump, pid_t pid)
{
	return index_get(&dump->victims_by_pid, (uint64_t)pid);
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
		if (victim_thread_find(victim, tids[i]))
			continue;
		code = remote_seize(tids[i], 0, err);
		if (code == -ESRCH && tids[i] != victim->pid) {
			code = 0;
			continue;
		}
		if (code)
			return err_wrap(
				err, "freezing process %d", victim->pid);
		thread = victim_thread_add(dump->arena, victim, tids[i]);
		thread->seized = true;
		seized++;
	}
	if (!code)
		*ret_new = seized;
	return code;
}

/* The wait is cut into pieces, between which INT and TERM are noticed. */
static int stop_await(
	struct dump *dump, pid_t tid, int *ret_signal, struct err *err)
{
	int seconds = dump->run->opt->timeout, code;
	struct err told;

	for (int64_t ms = 0; !seconds || ms < seconds * 1000ll; ms += LOOK_MS) {
		code = ptrace_wait_interrupted_for(
			tid, LOOK_MS, ret_signal, &told);
		if (code != -ETIMEDOUT && code && err)
			*err = told;
		if (code != -ETIMEDOUT)
			return code;
		code = run_check_interrupt(
			dump->run, "while", "a thread did not stop", err);
		if (code)
			return code;
	}
	return err_set(err, ETIMEDOUT,
		"thread %d did not stop within %d seconds", tid, seconds);
}

static int thread_stop(struct dump *dump, struct victim *victim,
	struct victim_thread *thread, struct err *err)
{
	int signal, code;

	code = stop_await(dump, thread->tid, &signal, err);
	if (code == -ETIMEDOUT)
		return err_hint(err, "it sleeps inside the kernel, or its "
				     "cgroup is frozen; see --timeout and "
				     "--freeze-cgroup");
	if (code)
		return code;
	thread->stopped = true;
	if (signal == SIGTRAP)
		return 0;
	/* Threads that came to the stop late may tell it as SIGSTOP. */
	if (victim->state != TASK_STOPPED || thread->tid == victim->pid)
		victim->stop_signal = signal;
	victim->state = TASK_STOPPED;
	return 0;
}

/* A thread that ended between being listed and being stopped. */
static void thread_forget(struct dump *dump, struct victim *victim, size_t i)
{
	*index_slot(dump->arena, &victim->by_tid,
		(uint64_t)victim->threads.at[i]->tid) = NULL;
	for (; i + 1 < victim->threads.n; i++)
		victim->threads.at[i] = victim->threads.at[i + 1];
	victim->threads.n--;
}

static int threads_stop(
	struct dump *dump, struct victim *victim, size_t from, struct err *err)
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
		code = thread_stop(dump, victim, thread, err);
		if (code == -ESRCH && thread->tid != victim->pid) {
			thread_forget(dump, victim, i);
			continue;
		}
		if (code)
			return err_wrap(
				err, "freezing process %d", victim->pid);
		i++;
	}
	return 0;
}

/* With as many threads as are stopped, none is left to make more. */
static int process_settled(
	struct victim *victim, bool *ret_settled, struct err *err)
{
	struct proc_stat *stat = &victim->threads.at[0]->stat;
	int code = proc_stat_read(&victim->proc, 0, stat, err);

	*ret_settled = !code && stat->num_threads == (int)victim->threads.n;
	return code;
}

static int process_stop(
	struct dump *dump, struct victim *victim, struct err *err)
{
	size_t before, fresh = 0;
	bool settled = false;
	int code = 0;

	for (int pass = 0; pass < PASSES_MAX && !code && !settled; pass++) {
		before = victim->threads.n;
		code = threads_seize(dump, victim, &fresh, err);
		if (!code)
			code = threads_stop(dump, victim, before, err);
		if (!code)
			code = process_settled(victim, &settled, err);
		/* Threads that have ended but are not yet forgotten count. */
		settled = settled || (pass && !fresh);
	}
	if (code || settled)
		return code;
	return err_set(err, EAGAIN,
		"process %d makes threads faster than they can be frozen",
		victim->pid);
}

static int tracer_explain(struct dump *dump, struct victim *victim,
	const struct proc_stat *stat, int code, struct err *err)
{
	struct proc_status status;

	if (proc_status_read(
		    dump->arena, &victim->proc, 0, &status, ERR_UNREAD) ||
		!status.tracer_pid)
		return code;
	err_set(err, EBUSY, "process %d (%s) is already traced by process %d",
		stat->pid, stat->comm, status.tracer_pid);
	return err_hint(err, "let the debugger or tracer detach from it first");
}

/* Why could it not be frozen? A zombie is fine, it needs no freezing. */
static int refusal_explain(
	struct dump *dump, struct victim *victim, int code, struct err *err)
{
	struct proc_stat stat;

	if (victim->threads.n ||
		proc_stat_read(&victim->proc, 0, &stat, ERR_UNREAD))
		return code;
	if (stat.flags & PF_KTHREAD) {
		err_set(err, EINVAL, "process %d (%s) is a kernel thread",
			stat.pid, stat.comm);
		return err_hint(err, "only user processes can be dumped");
	}
	if (stat.state != 'Z' && stat.state != 'X')
		return tracer_explain(dump, victim, &stat, code, err);
	if (stat.num_threads > 1) {
		err_set(err, EOPNOTSUPP,
			"the main thread of process %d (%s) has ended while "
			"others run on: this cannot be dumped",
			stat.pid, stat.comm);
		return err_hint(err, "have the main thread wait for the others "
				     "instead of ending (pthread_exit)");
	}
	victim->state = TASK_DEAD;
	return 0;
}

static int victim_open(
	struct dump *dump, pid_t pid, struct victim **ret, struct err *err)
{
	struct victim *victim = arena_new1(dump->arena, struct victim);
	int code;

	victim->pid = pid;
	victim->pidfd = -1;
	victim->state = TASK_ALIVE;
	code = proc_open(pid, &victim->proc, err);
	if (code)
		return code;
	*vec_push(dump->arena, &dump->victims) = victim;
	*index_slot(dump->arena, &dump->victims_by_pid, (uint64_t)pid) = victim;
	*ret = victim;
	return 0;
}

/* A zombie without threads is what it will be: there is nothing to stop. */
static int process_stop_living(
	struct dump *dump, struct victim *victim, struct err *err)
{
	struct proc_stat stat;
	int code = proc_stat_read(&victim->proc, 0, &stat, err);

	if (code)
		return code;
	if (stat.state == 'Z' && stat.num_threads <= 1) {
		victim->state = TASK_DEAD;
		return 0;
	}
	code = process_stop(dump, victim, err);
	return code ? refusal_explain(dump, victim, code, err) : 0;
}

static int process_freeze(struct dump *dump, pid_t pid, struct err *err)
{
	struct victim_thread *leader;
	struct victim *victim;
	int code;

	code = victim_open(dump, pid, &victim, err)
		       ?: process_stop_living(dump, victim, err);
	if (code)
		return code;
	if (victim->state != TASK_DEAD)
		return pidfd_open_task(pid, 0, &victim->pidfd, err);
	leader = victim_thread_add(dump->arena, victim, pid);
	return proc_stat_read(&victim->proc, 0, &leader->stat, err);
}

static int children_list(struct dump *dump, struct victim *victim,
	pid_t **ret_pids, size_t *ret_n, struct err *err)
{
	size_t n = victim->threads.n;
	pid_t *tids = arena_newn(dump->arena, pid_t, n);

	for (size_t i = 0; i < n; i++)
		tids[i] = victim->threads.at[i]->tid;
	return proc_list_children_of(
		dump->arena, &victim->proc, tids, n, ret_pids, ret_n, err);
}

/* Children that are not known yet; one that vanished is no error. A frozen
 * process gets no more children, but for those of one that died before it
 * could be frozen: then everybody must be asked once more. */
static int children_freeze(struct dump *dump, struct victim *victim,
	bool *ret_again, struct err *err)
{
	size_t n = 0, known;
	pid_t *pids;
	int code;

	/* Who is dead has left his to another. */
	code = victim->state == TASK_DEAD
		       ? 0
		       : children_list(dump, victim, &pids, &n, err);
	for (size_t i = 0; i < n && !code; i++) {
		if (victim_find(dump, pids[i]))
			continue;
		known = dump->victims.n;
		code = process_freeze(dump, pids[i], err);
		if (code == -ESRCH) {
			dump->victims.n = known;
			*index_slot(dump->arena, &dump->victims_by_pid,
				(uint64_t)pids[i]) = NULL;
			*ret_again = true;
			code = 0;
		} else if (!code && dump->victims.at[known]->state == TASK_DEAD)
			*ret_again = true;
	}
	return code;
}

static int root_check(const struct run *run, pid_t root, struct err *err)
{
	struct proc_stat stat;
	struct proc proc;
	pid_t self = run->program ?: getpid(), pid = self;
	int code;

	if (root == 1) {
		err_set(err, EINVAL, "process 1 is the init process");
		return err_hint(err, "choose a process below it");
	}
	while (pid > 1) {
		if (pid == root) {
			err_set(err, EINVAL,
				pid == self
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

/* Somebody died meanwhile: orphans have new parents. */
static int parents_read(struct dump *dump, struct err *err)
{
	struct victim *victim;
	int code = 0;

	for (size_t i = 0; i < dump->victims.n && !code; i++) {
		victim = dump->victims.at[i];
		code = proc_stat_read(
			&victim->proc, 0, &victim->threads.at[0]->stat, err);
	}
	return code;
}

int freeze_tree(struct dump *dump, pid_t root, struct err *err)
{
	bool again = true, deaths = false;
	int code;

	code = root_check(dump->run, root, err);
	if (!code)
		code = process_freeze(dump, root, err);
	if (!code && dump->victims.at[0]->state == TASK_DEAD)
		return err_set(err, ESRCH,
			"process %d has ended (a zombie is all that is left)",
			root);
	while (!code && again) {
		again = false;
		for (size_t i = 0; i < dump->victims.n && !code; i++)
			code = children_freeze(
				dump, dump->victims.at[i], &again, err);
		deaths = deaths || again;
	}
	if (!code && deaths)
		code = parents_read(dump, err);
	return code;
}

static int thread_release(struct victim_thread *thread, struct err *err)
{
	int code;

	if (!thread->seized)
		return 0;
	/* Detaching needs a stop; a thread seized a moment ago may run. */
	if (!thread->stopped) {
		ptrace_interrupt(thread->tid, ERR_UNREAD);
		/* One that does not stop is let go when we end. */
		ptrace_wait_interrupted_for(
			thread->tid, LET_GO_MS, &(int){0}, ERR_UNREAD);
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
		also = thread_release(
			victim->threads.at[i], code ? ERR_UNREAD : err);
		code = code ?: also;
	}
	return code;
}

/* The images are whole: nobody waits for ever for one that sleeps inside the
 * kernel, and dies when it wakes up. */
static void victim_reap(struct victim *victim, int *patience_ms)
{
	for (size_t i = victim->threads.n; i-- > 0;) {
		if (!victim->threads.at[i]->seized ||
			ptrace_wait_end_for(victim->threads.at[i]->tid,
				*patience_ms, ERR_UNREAD) != -ETIMEDOUT)
			continue;
		*patience_ms = 0;
		log_warn("process %d was killed, but does not die yet: it "
			 "sleeps inside the kernel",
			victim->pid);
		return;
	}
}

/* From here on it is enough that we die: what one kill does not reach, the end
 * of its tracer does. A thread that was killed already needs it no more. */
static void victims_bind(struct dump *dump)
{
	struct victim *victim;

	for (size_t i = 0; i < dump->victims.n; i++) {
		victim = dump->victims.at[i];
		for (size_t k = 0; k < victim->threads.n; k++)
			if (victim->threads.at[k]->seized)
				ptrace_options_set(victim->threads.at[k]->tid,
					PTRACE_O_TRACESYSGOOD |
						PTRACE_O_EXITKILL,
					ERR_UNREAD);
	}
}

static int victims_kill(struct dump *dump, struct err *err)
{
	int code = 0, also, patience_ms = PTRACE_PATIENCE_MS;
	struct victim *victim = NULL;

	victims_bind(dump);
	/* All first, then reap: nobody sees his child or parent die early. */
	for (size_t i = 0; i < dump->victims.n; i++) {
		victim = dump->victims.at[i];
		if (victim->pidfd < 0)
			continue;
		also = pidfd_kill(victim->pidfd, victim->pid, SIGKILL,
			code ? ERR_UNREAD : err);
		code = code ?: also;
	}
	for (size_t i = 0; i < dump->victims.n; i++)
		victim_reap(dump->victims.at[i], &patience_ms);
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
			also = victim_release(victim, how == RELEASE_STOP,
				code ? ERR_UNREAD : err);
			code = code ?: also;
		}
		if (victim->pidfd >= 0)
			close(victim->pidfd);
		victim->pidfd = -1;
		proc_close(&victim->proc);
	}
	return code;
}
