/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * place: the last step, the same as the last step of an injection: the zone
 * is unmapped, and each thread gets its registers and signal mask. All tasks
 * unmap their zones at the same time. In between each task becomes what its
 * image says about being dumpable, when nothing is left in any of them that its
 * user must not have.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "base/log.h"
#include "inject/regs.h"
#include "inject/remote.h"
#include "kernel/ptrace.h"
#include "kinds/task/lib/dumpable.h"
#include "kinds/task/lib/file_locks.h"
#include "model/vma.h"
#include "restore/perform.h"
#include "restore/rights.h"
#include "restore/tags.h"

struct place {
	struct birth_ward *ward;
	struct plan_task *pt;
	struct patience patience;
	struct remote remote;
	struct remote_thread leader;
	bool unseen; /* its rights are to be looked at when it is dumpable */
};

/* The areas of the image are the areas of the process by now. */
static struct maps maps_of(struct place *place)
{
	const MmEntry *mm = place->pt->task->mm;
	struct maps maps = {.n = mm->n_vmas, .room = mm->n_vmas};

	maps.at = arena_newn(place->ward->plan->arena, struct map, maps.n + 1);
	for (size_t i = 0; i < mm->n_vmas; i++) {
		maps.at[i].start = mm->vmas[i]->start;
		maps.at[i].end = mm->vmas[i]->end;
		maps.at[i].prot = mm->vmas[i]->prot;
		maps.at[i].path =
			mm->vmas[i]->status & VMA_VDSO ? "[vdso]" : "";
	}
	return maps;
}

/* The trap made the task forget that it ignores SIGTRAP. */
static int trap_ignore_again(struct place *place, struct err *err)
{
	const TaskCoreEntry *tc = place->pt->task->threads[0].core->tc;
	uint64_t at = place->ward->plan->zone.reel, action[4] = {0};
	uint64_t args[6] = {SIGTRAP, at, 0, sizeof(uint64_t)};
	int64_t result;
	int code;

	if (tc->n_sigactions < SIGTRAP ||
		tc->sigactions[SIGTRAP - 1]->sigaction !=
			(uint64_t)(uintptr_t)SIG_IGN)
		return 0;
	action[0] = (uint64_t)(uintptr_t)SIG_IGN;
	code = memory_write(
		&place->remote.memory, at, action, sizeof(action), err);
	if (code)
		return code;
	return remote_call(&place->remote, &place->leader, CALL_rt_sigaction,
		args, &result, err);
}

/* Who closes any fd of a file loses the process's locks on it. */
static int locks_take(struct place *place, struct err *err)
{
	const struct task *task = place->pt->task;
	uint64_t at = place->ward->plan->zone.reel;
	struct flock flock;
	int64_t result;
	int code = 0;

	for (size_t i = task->locks.n; i-- > 0 && !code;) {
		const FileLockEntry *entry = task->locks.at[i];
		uint64_t args[6] = {(uint64_t)entry->fd, F_SETLK, at};

		if (!file_lock_is_of_process(entry))
			continue;
		file_lock_fill(entry, &flock);
		code = memory_write(
			&place->remote.memory, at, &flock, sizeof(flock), err);
		if (!code)
			code = remote_call(&place->remote, &place->leader,
				CALL_fcntl, args, &result, err);
		if (!code && result < 0)
			code = err_code(err, (int)result,
				"fd %d: its locks, which others may have taken "
				"since",
				entry->fd);
	}
	return code;
}

static int shelf_close(struct place *place, struct err *err)
{
	const struct plan *plan = place->ward->plan;
	uint64_t args[6] = {
		(uint64_t)plan->shelf_base, (uint64_t)plan->shelf_end - 1};
	int64_t result;

	if (!place->pt->table_shared || !place->pt->installs_files)
		return 0;
	return remote_call(&place->remote, &place->leader, CALL_close_range,
		args, &result, err);
}

/* The task is on its way into the call when this returns. */
static int zone_leave(struct place *place, struct err *err)
{
	const struct zone *zone = &place->ward->plan->zone;
	uint64_t args[6] = {zone->start, zone->end - zone->start};

	return remote_call_begin(
		&place->remote, &place->leader, CALL_munmap, args, err);
}

static int zone_left(struct place *place, struct err *err)
{
	int64_t result;
	int code = remote_call_end(
		&place->remote, &place->leader, CALL_munmap, &result, err);

	if (!code && result < 0)
		code = err_code(
			err, (int)result, "unmapping what the restore needed");
	return code;
}

static int dispatch_place(const struct thread *thread, struct err *err)
{
	const StasisDispatch *from =
		thread->extra ? thread->extra->dispatch : NULL;
	struct ptrace_dispatch dispatch;

	if (!from)
		return 0;
	dispatch = (struct ptrace_dispatch){.mode = from->mode,
		.selector = from->selector,
		.offset = from->offset,
		.len = from->len};
	return ptrace_dispatch_set(thread->host, &dispatch, err);
}

static int thread_place(struct place *place, size_t i, struct err *err)
{
	const struct backend *be = place->remote.be;
	struct thread *thread = &place->pt->task->threads[i];
	uint64_t mask;
	int code;

	code = regs_place(be, thread->host, &thread->regs, err);
	mask = i ? thread->core->thread_core->blk_sigset
		 : thread->core->tc->blk_sigset;
	if (!code)
		code = ptrace_sigmask_set(thread->host, mask, err);
	if (!code)
		code = dispatch_place(thread, err);
	return code ? err_wrap(err, "thread %d", thread->tid) : 0;
}

static int task_prepare(struct place *place, struct err *err)
{
	struct maps maps = maps_of(place);
	int code;

	/* Calls are made with all registers but theirs as they will be: at the
	 * stop behind a call, aarch64 keeps x7 for itself and puts back
	 * afterwards what was there before the call. */
	place->leader = (struct remote_thread){.tid = place->pt->task->host,
		.regs = &place->pt->task->threads[0].regs,
		.patience = &place->patience};
	place->remote.leader = &place->leader;
	code = remote_find_syscall(place->remote.be, &place->remote.memory,
		&maps, &place->remote.syscall_at, err);
	if (!code)
		code = trap_ignore_again(place, err);
	if (!code)
		code = shelf_close(place, err);
	if (!code && place->pt->table_shared)
		code = locks_take(place, err);
	return code ?: zone_leave(place, err);
}

/* --- one step of one task, in turn with all others ----------------------- */

static int task_begin(struct place *place, struct err *err)
{
	const struct memory *held = place->ward->memories;
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	int code;

	if (held) {
		place->remote.memory = held[place->pt->task->index];
		return task_prepare(place, err);
	}
	code = proc_open(place->pt->task->host, &proc, err);
	if (!code)
		code = memory_open(&proc, &place->remote.memory, err);
	if (!code)
		code = task_prepare(place, err);
	memory_close(&place->remote.memory);
	return code;
}

static int task_enter(struct place *place, struct err *err)
{
	return remote_call_enter(
		&place->remote, &place->leader, CALL_munmap, err);
}

static int task_leave(struct place *place, struct err *err)
{
	return zone_left(place, err);
}

/* With hidepid the kernel hides from us who is not dumpable. */
static bool is_hidden(const struct place *place, int code)
{
	return place->ward->memories &&
	       (code == -EPERM || code == -EACCES || code == -ESRCH);
}

static int task_verify(struct place *place, struct err *err)
{
	struct err told = {0};
	int code = rights_verify(place->pt->task, &told);

	place->unseen = is_hidden(place, code);
	return !code || place->unseen ? 0 : err_copy(err, &told);
}

/* From here on its user reaches it; nothing of ours is in it, in no task any
 * shelf, and nobody has more rights than he is to have. */
static int task_expose(struct place *place, struct err *err)
{
	const struct facts *facts = place->ward->plan->facts;
	const struct task *task = place->pt->task;
	int wanted = dumpable_wanted(task, facts), code;
	uint64_t args[6] = {PR_SET_DUMPABLE, (uint64_t)wanted};
	int64_t result;

	if (task->mm->dumpable == DUMPABLE_ROOT && wanted != DUMPABLE_ROOT)
		log_warn("task %d left core dumps for root only, which cannot "
			 "be asked for here (fs.suid_dumpable): it leaves none",
			task->pid);
	if (wanted == dumpable_played(task, facts))
		return 0;
	code = remote_call(
		&place->remote, &place->leader, CALL_prctl, args, &result, err);
	if (!code && result < 0)
		code = err_code(err, (int)result, "making it dumpable");
	return code;
}

static int task_end(struct place *place, struct err *err)
{
	const struct task *task = place->pt->task;
	int code = place->unseen ? rights_verify(task, err) : 0;

	/* Tags are refused to a tracer without rights on what is not dumpable.
	 */
	if (!code)
		code = tags_place(place->remote.be, task, err);
	for (size_t i = 0; i < task->n_threads && !code; i++)
		code = thread_place(place, i, err);
	return code;
}

int perform_place(struct birth_ward *ward, struct err *err)
{
	static int (*const steps[])(struct place *, struct err *) = {task_begin,
		task_enter, task_leave, task_verify, task_expose, task_end};
	struct plan *plan = ward->plan;
	size_t n = plan->tree->tasks.n;
	struct place *places = arena_newn(plan->arena, struct place, n);

	for (size_t i = 0; i < n; i++)
		places[i] = (struct place){.ward = ward,
			.pt = &plan->tasks[i],
			.patience = perform_patience(ward),
			.remote = {
				.be = plan->host->be, .memory = MEMORY_CLOSED}};
	for (size_t step = 0; step < sizeof(steps) / sizeof(*steps); step++)
		for (size_t i = 0; i < n; i++)
			if (places[i].pt->tapes && steps[step](&places[i], err))
				return err_wrap(err,
					"placing the registers of task %d",
					places[i].pt->task->pid);
	return 0;
}
