/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/skeleton.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/fd.h"
#include "kernel/clone3.h"
#include "kernel/proc.h"
#include "restore/cgroups.h"
#include "restore/make.h"
#include "restore/halt.h"
#include "restore/lazy.h"
#include "restore/stage.h"

/* Who has it? A process, one that is dead but not reaped, or a session or
 * group that outlived its leader: all of them keep the number. */
static int pid_taken(pid_t pid, struct err *err)
{
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	struct proc_stat stat;

	if (proc_open(pid, &proc, ERR_UNREAD) ||
		proc_stat_read(&proc, 0, &stat, ERR_UNREAD)) {
		err_set(err, EEXIST,
			"pid %d is taken: other processes are in a session, "
			"a group or a process of that number",
			pid);
		return err_hint(err, "end those processes");
	}
	if (stat.state == 'Z') {
		err_set(err, EEXIST,
			"pid %d is taken by a zombie (%s) that its parent %d "
			"has not reaped",
			pid, stat.comm, stat.ppid);
		return err_hint(err, "wait until the parent has reaped it");
	}
	err_set(err, EEXIST, "pid %d is taken by another process (%s)", pid,
		stat.comm);
	return err_hint(
		err, "end that process, or restore in a new pid namespace");
}

int skeleton_taken(const struct birth *birth, int code, struct err *err)
{
	if (code == -EEXIST)
		return pid_taken(birth->pid, err);
	if (code == -EPERM)
		return err_hint(err,
			"choosing pids needs CAP_CHECKPOINT_RESTORE or "
			"CAP_SYS_ADMIN");
	return code;
}

static int child_fork(
	struct birth_ward *ward, struct birth *child, struct err *err)
{
	struct clone3_wish wish = {
		.flags = child->shares | (child->as_sibling ? CLONE_PARENT : 0),
		.set_tid = &child->pid,
		.set_tid_n = 1,
		.exit_signal = child->as_sibling ? 0 : child->exit_signal,
	};
	pid_t pid;
	int code;

	code = clone3_fork(&wish, &pid, err);
	if (code)
		return skeleton_taken(child, code, err);
	if (pid == 0)
		skeleton_live(ward, child);
	ward->board->births[child->index] = (struct board_birth){1, pid};
	return 0;
}

static int children_fork(struct birth_ward *ward, struct birth *birth,
	bool early, struct err *err)
{
	int code = 0;

	for (size_t i = 0; i < birth->makes.n && !code; i++)
		if (birth->makes.at[i]->early == early)
			code = child_fork(ward, birth->makes.at[i], err);
	return code;
}

static int session_lead(const struct birth *birth, struct err *err)
{
	if (birth->leads_session && setsid() < 0)
		return err_errno(
			err, "becoming the leader of session %d", birth->pid);
	if (birth->leads_group && setpgid(0, 0))
		return err_errno(
			err, "becoming the leader of group %d", birth->pid);
	return 0;
}

/* Who leads a group that others join, and is in another, joins that last. */
static int group_join(const struct birth *birth, bool last, struct err *err)
{
	if (birth->joins_group && birth->leads_group == last &&
		setpgid(0, birth->joins_group))
		return err_errno(err, "joining group %d", birth->joins_group);
	return 0;
}

/* By now all signals that tell of ends and stops are here; ends may be told by
 * any signal. Who begins to ignore one forgets it. */
static void news_forget(const struct birth *birth)
{
	for (size_t i = 0; i < birth->makes.n; i++) {
		int sig = birth->makes.at[i]->exit_signal;

		if (!sig)
			continue;
		signal(sig, SIG_IGN);
		signal(sig, SIG_DFL);
	}
	signal(SIGCHLD, SIG_DFL);
}

/* Helpers are gone, zombies dead and who was stopped is so before the tape is
 * played. */
static void dead_wait(struct birth_ward *ward, const struct birth *birth)
{
	const struct task *task = birth->task;
	siginfo_t info;

	for (size_t i = 0; i < birth->makes.n; i++)
		if (!birth->makes.at[i]->task)
			waitpid(birth->makes.at[i]->pid, NULL, 0);
	for (size_t i = 0; i < task->children.n; i++)
		if (task->children.at[i]->state == TASK_DEAD)
			waitid(P_PID, (id_t)task->children.at[i]->pid, &info,
				WEXITED | WNOWAIT | __WALL);
	halt_children(ward, task);
}

static void die_as(const struct task *task) __attribute__((noreturn));
static void die_as(const struct task *task)
{
	int status = (int)task->threads[0].core->tc->exit_code;
	struct rlimit none = {0, 0};
	sigset_t mask;

	prctl(PR_SET_NAME, task->threads[0].core->tc->comm);
	if (WIFSIGNALED(status)) {
		setrlimit(RLIMIT_CORE, &none);
		sigemptyset(&mask);
		signal(WTERMSIG(status), SIG_DFL);
		raise(WTERMSIG(status));
		sigprocmask(SIG_SETMASK, &mask, NULL);
	}
	_exit(WEXITSTATUS(status));
}

static void *map_at(uint64_t at, uint64_t size, int flags, int fd, off_t from)
{
	return mmap((void *)(uintptr_t)at, size, PROT_READ | PROT_WRITE,
		flags | MAP_FIXED_NOREPLACE, fd, from);
}

static int reel_map(const struct birth_ward *ward, const struct plan_task *pt,
	struct err *err)
{
	const struct blob *agent = ward->plan->host->be->agent;
	const struct zone *zone = &ward->plan->zone;
	void *code, *reel;

	code = map_at(
		zone->code, agent->size, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code == MAP_FAILED)
		return err_errno(err, "mapping the agent");
	memcpy(code, agent->bytes, agent->size);
	__builtin___clear_cache(code, (char *)code + agent->size);
	if (mprotect(code, agent->size, PROT_READ | PROT_EXEC))
		return err_errno(err, "making the agent executable");
	reel = map_at(zone->reel, pt->reel_size, MAP_SHARED, ward->reels.fd,
		(off_t)pt->reel_file_at);
	if (reel == MAP_FAILED)
		return err_errno(err, "mapping the steps of its restore");
	return 0;
}

static int family_form(
	struct birth_ward *ward, struct birth *birth, struct err *err)
{
	uint32_t all = (uint32_t)ward->plan->births.n;
	int code;

	if (birth->adopts)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	code = children_fork(ward, birth, true, err);
	if (!code)
		code = session_lead(birth, err);
	if (!code)
		code = children_fork(ward, birth, false, err);
	if (code)
		return code;
	code = board_meet(ward->board, &ward->board->born, all);
	if (!code)
		code = group_join(birth, false, err);
	/* Now all are forked, and nobody has cleared a shared fd table yet. */
	if (!code && birth->plan)
		code = reel_map(ward, birth->plan, err);
	if (!code)
		code = board_meet(ward->board, &ward->board->grouped, all);
	return code ?: group_join(birth, true, err);
}

/* --- files -------------------------------------------------------------- */

/* All numbers from one to another, but for the shelf. */
static void numbers_close(const struct plan *plan, unsigned from, unsigned to)
{
	unsigned base = (unsigned)plan->shelf_base;
	unsigned end = (unsigned)plan->shelf_end;

	if (from < base && from <= to)
		close_range(from, to < base ? to : base - 1, 0);
	if (to >= end)
		close_range(from > end ? from : end, to, 0);
}

static int fds_install(const struct birth_ward *ward,
	const struct plan_task *pt, struct err *err)
{
	const struct plan *plan = ward->plan;
	const struct plan_fd *fd;
	unsigned next = 0;

	for (size_t i = 0; i < pt->fds.n; i++) {
		fd = &pt->fds.at[i];
		if (fd->slot < 0)
			continue;
		if ((unsigned)fd->fd > next)
			numbers_close(plan, next, (unsigned)fd->fd - 1);
		if (dup3(fd->slot, fd->fd, fd->cloexec ? O_CLOEXEC : 0) < 0)
			return err_errno(
				err, "putting fd %d into place", fd->fd);
		next = (unsigned)fd->fd + 1;
	}
	numbers_close(plan, next, ~0u);
	return make_apart(ward->restore, plan, pt, err);
}

static bool same_directory(int a, const char *b)
{
	struct stat here, there;

	return !fstat(a, &here) && !stat(b, &there) &&
	       here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

static int fs_install(const struct plan_task *pt, struct err *err)
{
	if (!same_directory(pt->root_slot, "/") &&
		(fchdir(pt->root_slot) || chroot(".")))
		return err_errno(err, "changing the root directory");
	if (fchdir(pt->cwd_slot))
		return err_errno(err, "changing the working directory");
	if (pt->task->fs->has_umask)
		umask(pt->task->fs->umask);
	return 0;
}

/* The C library's area would be written to after its memory is gone. */
static void rseq_forget(void)
{
	char *area = (char *)backend_thread_pointer() + __rseq_offset;

	if (__rseq_size)
		syscall(SYS_rseq, area, 32, 1 /* UNREGISTER */, RSEQ_SIG);
}

typedef void entry_function(uint64_t tape);

static void tape_enter(
	unsigned entry_high, unsigned entry_low, unsigned high, unsigned low)
{
	uint64_t entry = (uint64_t)entry_high << 32 | entry_low;

	((entry_function *)(uintptr_t)entry)((uint64_t)high << 32 | low);
}

/* On to the tape, on its own stack: the one in use is about to go. */
static void tape_play(const struct birth_ward *ward, const struct plan_task *pt)
{
	const struct zone *zone = &ward->plan->zone;
	uint64_t entry = zone->code + ward->plan->host->be->agent->entry;
	uint64_t tape = zone->reel + pt->tape_at[0];
	ucontext_t context;

	getcontext(&context);
	context.uc_stack.ss_sp =
		(void *)(uintptr_t)(zone->reel + plan_stack(pt, 0));
	context.uc_stack.ss_size = plan_stack_size(0);
	context.uc_link = NULL;
	makecontext(&context, (void (*)(void))tape_enter, 4,
		(unsigned)(entry >> 32), (unsigned)entry,
		(unsigned)(tape >> 32), (unsigned)tape);
	rseq_forget();
	setcontext(&context);
}

static int task_settle(
	struct birth_ward *ward, struct birth *birth, struct err *err)
{
	struct plan_task *pt = birth->plan;
	int code = 0;

	/* Paths are still the coordinator's. */
	if (pt->installs_files)
		code = fds_install(ward, pt, err);
	if (!code && pt->installs_fs)
		code = fs_install(pt, err);
	return code;
}

/* --- one life ----------------------------------------------------------- */

/* On the shelf at once: who shares the fd table may clear the rest. */
static int pages_open(
	struct birth_ward *ward, const struct plan_task *pt, struct err *err)
{
	const struct source *pages = &pt->task->pages;
	int code = 0, fd;

	for (uint32_t i = 0; i < pages->n_files && !code; i++) {
		code = source_file_open(pages, i, &fd, err);
		if (code)
			break;
		if (dup3(fd, pt->pages_slot + (int)i, O_CLOEXEC) < 0)
			code = err_errno(err, "keeping %s open",
				source_file_name(ward->plan->arena, pages, i));
		close(fd);
	}
	return code;
}

static int task_live(
	struct birth_ward *ward, struct birth *birth, struct err *err)
{
	int code = pages_open(ward, birth->plan, err);

	if (!code)
		code = stage_memory(ward, birth->plan, err);
	if (!code)
		code = family_form(ward, birth, err);
	if (code)
		return code;
	halt_pass(birth->task);
	dead_wait(ward, birth);
	code = lazy_open(ward, birth->plan, err);
	if (!code)
		code = task_settle(ward, birth, err);
	if (!code)
		code = halt_until_go(ward, birth->task);
	news_forget(birth);
	/* All orphans are there; the tape knows whether it takes more. */
	if (!code && birth->adopts)
		prctl(PR_SET_CHILD_SUBREAPER, 0);
	if (!code)
		tape_play(ward, birth->plan);
	return code;
}

static int dead_live(
	struct birth_ward *ward, struct birth *birth, struct err *err)
{
	int code = family_form(ward, birth, err);

	if (code)
		return code;
	if (birth->task)
		die_as(birth->task);
	_exit(0);
}

struct newborn {
	struct birth_ward *ward;
	const struct birth *birth;
};

static void newborn_fail(const struct newborn *self, struct err *told)
	__attribute__((noreturn));
static void newborn_fail(const struct newborn *self, struct err *told)
{
	const struct birth *birth = self->birth;

	if (told->code) {
		err_wrap(told, "%s %d", birth->task ? "task" : "helper process",
			birth->pid);
		board_fail(self->ward->board, told);
	}
	_exit(1);
}

static void newborn_end(void *of)
{
	const struct newborn *self = of;
	struct arena *arena = self->ward->restore->run->arena;
	struct err err = {0};

	run_no_memory(arena_failed(arena), &err);
	newborn_fail(self, &err);
}

void skeleton_live(struct birth_ward *ward, struct birth *birth)
{
	struct newborn self = {ward, birth};
	struct arena_end end = {.undo = newborn_end, .of = &self};
	struct err err = {0};

	arena_end_push(ward->restore->run->arena, &end);
	ward->board->births[birth->index] = (struct board_birth){1, getpid()};
	if (birth->plan)
		cgroups_join(ward, birth->task);
	/* Who traces us is our coordinator's child; some kernels let nobody
	 * but ancestors trace (Yama, kernel.yama.ptrace_scope=1). */
	prctl(PR_SET_PTRACER, ward->board->keeper, 0, 0, 0);
	if (birth->plan)
		task_live(ward, birth, &err);
	else
		dead_live(ward, birth, &err);
	newborn_fail(&self, &err);
}
