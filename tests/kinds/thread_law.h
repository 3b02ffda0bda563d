/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * thread_law: the kind law for tasks and threads: what is captured of a
 * subject is captured of a newborn, too, that played what it emits.
 *
 * Both are children of the test, traced by it. They play pressed tapes that
 * they share with it by themselves (inject/play.h), so that
 * the law needs no injection and, mostly, no root.
 */
#ifndef STASIS_TEST_THREAD_LAW_H
#define STASIS_TEST_THREAD_LAW_H

#include <errno.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inject/play.h"
#include "inject/regs.h"
#include "kinds/task/lib/dumpable.h"
#include "kinds/kinds.h"
#include "kinds/table.h"
#include "model/dump.h"
#include "model/facts.h"
#include "kinds/task/lib/seccomp_book.h"
#include "test.h"

enum { LAW_BLOCK = 1 << 20 };

/* Shared by the test and one child. */
struct law_stage {
	struct ptrace_rseq rseq;
	char block[LAW_BLOCK] __attribute__((aligned(64)));
};

struct law_child {
	struct law_stage *stage;
	pid_t pid;
	int to, from; /* pipes: one byte for a play, one when it is done */
	struct victim victim;
	struct victim_thread thread;
	struct task task;
	struct thread tree_thread;
};

struct law {
	struct arena *arena;
	struct err err;
	struct facts facts;
	struct dump dump;
	struct law_child subject, newborn;
	bool count_timer_ids; /* as before 6.15 */
};

static void law_child_run(
	struct law_stage *stage, int in, int out, void (*setup)(void))
{
	sigset_t all;
	char byte = 0;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	/* Not before the tracer is there: it suspends seccomp. */
	if (read(in, &byte, 1) != 1)
		_exit(1);
	if (setup)
		setup();
	else if (stage->rseq.addr)
		syscall(SYS_rseq, stage->rseq.addr, stage->rseq.size, 1,
			stage->rseq.signature);
	do {
		if (write(out, &byte, 1) != 1)
			_exit(1);
		if (read(in, &byte, 1) != 1)
			_exit(0);
		play_pressed((struct tape_head *)stage->block);
	} while (1);
}

static int law_child_seize(struct law_child *child, struct err *err)
{
	/* Only root may suspend seccomp; who is not does not test it. */
	if (!ptrace_seize(child->pid, PTRACE_O_SUSPEND_SECCOMP, ERR_UNREAD))
		return 0;
	return ptrace_seize(child->pid, 0, err);
}

/* Lets the child run until it reports, then stops it. */
static int law_child_go(struct law_child *child, bool running, struct err *err)
{
	int ret, sig;
	char byte = 0;

	ret = running ? 0 : ptrace_cont(child->pid, 0, err);
	if (ret)
		return ret;
	if (write(child->to, &byte, 1) != 1 || read(child->from, &byte, 1) != 1)
		return err_set(err, EPIPE, "child %d is gone", child->pid);
	ret = ptrace_interrupt(child->pid, err);
	return ret ? ret : ptrace_wait_interrupted(child->pid, &sig, err);
}

static int law_child_start(
	struct law_child *child, void (*setup)(void), struct err *err)
{
	int to[2], from[2], ret;

	child->stage = mmap(NULL, sizeof(*child->stage), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (child->stage == MAP_FAILED || pipe(to) || pipe(from))
		return err_errno(err, "stage");
	child->pid = fork();
	if (!child->pid) {
		close(to[1]);
		close(from[0]);
		law_child_run(child->stage, to[0], from[1], setup);
	}
	close(to[0]);
	close(from[1]);
	child->to = to[1];
	child->from = from[0];
	ret = law_child_seize(child, err);
	if (ret)
		return ret;
	/* The rseq can only be asked of a stopped one. */
	ret = ptrace_interrupt(child->pid, err);
	if (!ret)
		ret = ptrace_wait_interrupted(child->pid, &to[0], err);
	if (!ret)
		ret = ptrace_rseq_get(child->pid, &child->stage->rseq, err);
	return ret ? ret : law_child_go(child, false, err);
}

static void law_child_end(struct law_child *child)
{
	if (child->pid > 0) {
		kill(child->pid, SIGKILL);
		waitpid(child->pid, NULL, __WALL);
		close(child->to);
		close(child->from);
	}
	if (child->stage && child->stage != MAP_FAILED)
		munmap(child->stage, sizeof(*child->stage));
	proc_close(&child->victim.proc);
}

static int law_child_play(
	struct law_child *child, const struct tape *tape, struct err *err)
{
	int ret;

	if (tape_size(tape) > LAW_BLOCK)
		return err_set(err, E2BIG, "the tape is too long");
	ret = tape_press(tape, backend_host(), 0, child->stage->block, err);
	if (!ret)
		ret = law_child_go(child, false, err);
	return ret ? ret : tape_check(tape, child->stage->block, err);
}

/* The victim as the walk would have it, and the tree's messages. */
static int law_child_learn(
	struct law *law, struct law_child *child, struct err *err)
{
	struct victim_thread *thread = &child->thread;
	CoreEntry *core = arena_new1(law->arena, CoreEntry);
	struct regs regs;
	int ret;

	ret = proc_open(child->pid, &child->victim.proc, err);
	if (!ret)
		ret = proc_stat_read(
			&child->victim.proc, 0, &thread->stat, err);
	if (!ret)
		ret = proc_status_read(law->arena, &child->victim.proc, 0,
			&thread->status, err);
	if (!ret)
		ret = ptrace_rseq_get(child->pid, &thread->rseq, err);
	if (!ret)
		ret = regs_fetch(
			law->arena, backend_host(), child->pid, &regs, err);
	core_entry__init(core);
	if (!ret)
		ret = backend_host()->thread_to_image(
			law->arena, &regs, core, err);
	if (ret)
		return ret;
	core->tc = arena_new1(law->arena, TaskCoreEntry);
	task_core_entry__init(core->tc);
	core->tc->comm = child->thread.stat.comm;
	core->thread_core = arena_new1(law->arena, ThreadCoreEntry);
	thread_core_entry__init(core->thread_core);
	child->tree_thread.core = core;
	child->task.mm = arena_new1(law->arena, MmEntry);
	mm_entry__init(child->task.mm);
	return 0;
}

static void law_child_link(struct law *law, struct law_child *child)
{
	struct victim_thread *thread = &child->thread;

	child->victim.proc = PROC_CLOSED;
	child->victim.pid = child->victim.vpid = child->pid;
	child->victim.task = &child->task;
	*vec_push(law->arena, &child->victim.threads) = thread;
	*index_slot(law->arena, &child->victim.by_tid, (uint64_t)child->pid) =
		thread;
	thread->thread = &child->tree_thread;
	thread->tid = thread->vtid = child->pid;
	thread->victim = &child->victim;
	child->task.pid = child->task.sid = child->pid;
	child->task.threads = &child->tree_thread;
	child->task.n_threads = 1;
	child->tree_thread.tid = child->pid;
	child->tree_thread.task = &child->task;
}

static int law_child_ask(
	struct law *law, struct law_child *child, struct err *err)
{
	struct victim_thread *thread = &child->thread;
	uint32_t bits_op;
	int64_t bits;
	int ret;

	thread->tape = tape_new(law->arena, "interview");
	/* As the walk asks for them, by another way. */
	bits_op = tape_call(thread->tape, CALL_prctl, A(PR_GET_SECUREBITS));
	ret = kinds_ask(thread, true, err);
	if (!ret)
		ret = law_child_play(child, thread->tape, err);
	thread->block = child->stage->block;
	if (!ret)
		ret = tape_result(thread->tape, thread->block, bits_op, 0,
			UINT32_MAX, &bits, err);
	if (!ret)
		thread->securebits = (uint32_t)bits;
	return ret;
}

/* ask and capture of all task and thread kinds. */
static int law_child_capture(
	struct law *law, struct law_child *child, struct err *err)
{
	int ret;

	ret = law_child_learn(law, child, err);
	if (!ret)
		ret = law_child_ask(law, child, err);
	return ret
		       ?: kinds_capture(&law->dump, &child->thread, true,
				  child->tree_thread.core, err);
}

/* Subject and newborn live at the same time, so their ids differ. */
static void law_timers_rename(const struct law *law, TaskTimersEntry *timers)
{
	for (size_t i = 0; i < timers->n_posix; i++)
		if (timers->posix[i]->notify_thread_id == law->subject.pid)
			timers->posix[i]->notify_thread_id = law->newborn.pid;
}

/* The newborn takes over what was captured of the subject. */
static int law_emit(struct law *law, struct err *err)
{
	struct law_child *from = &law->subject, *to = &law->newborn;
	struct tape *tape = tape_new(law->arena, "newborn");
	struct holder holder = {
		.facts = &law->facts,
		.task = &to->task,
		.thread = &to->tree_thread,
		.fd = -1,
	};
	int ret;

	to->tree_thread.core = from->tree_thread.core;
	to->tree_thread.extra = from->tree_thread.extra;
	to->task.extra = from->task.extra;
	to->task.mm = from->task.mm;
	law_timers_rename(law, from->tree_thread.core->tc->timers);
	law->facts.seccomp =
		law->dump.seccomp ? &law->dump.seccomp->entry : NULL;
	ret = kinds_emit(tape, &holder, SCOPE_TASK, STAGE_BEFORE_THREADS, NULL,
		err) ?:
	      kinds_emit(tape, &holder, SCOPE_TASK, STAGE_AFTER_THREADS, NULL,
		err) ?:
	      kinds_emit(tape, &holder, SCOPE_THREAD, 0, NULL, err);
	/* As the last step of a restore does from outside. */
	tape_call(tape, CALL_prctl, A(PR_SET_DUMPABLE),
		A(dumpable_wanted(&to->task, &law->facts)));
	if (!ret)
		ret = law_child_play(to, tape, err);
	to->tree_thread.extra = NULL;
	to->task.extra = NULL;
	return ret;
}

/* setup: makes the subject what it is, in a child with all signals blocked. */
static int law_run(struct law *law, void (*setup)(void))
{
	struct kernel_features features = {0};
	struct err *err = &law->err;
	int ret;

	law->arena = law->dump.arena = arena_new();
	ret = facts_read(law->arena, &features, &law->facts, err);
	if (law->count_timer_ids)
		law->facts.timer_restore_ids = false;
	if (!ret)
		ret = law_child_start(&law->subject, setup, err);
	law_child_link(law, &law->subject);
	if (!ret)
		ret = law_child_capture(law, &law->subject, err);
	if (!ret)
		ret = law_child_start(&law->newborn, NULL, err);
	law_child_link(law, &law->newborn);
	if (!ret)
		ret = law_emit(law, err);
	if (!ret)
		ret = law_child_capture(law, &law->newborn, err);
	return ret;
}

static void law_end(struct law *law)
{
	law_child_end(&law->subject);
	law_child_end(&law->newborn);
	arena_free(law->arena);
}

static void law_message_check(
	struct law *law, const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	size_t size = protobuf_c_message_get_packed_size(a);
	uint8_t *left = arena_alloc(law->arena, size), *right;

	if (!CHECK_INT(protobuf_c_message_get_packed_size(b), size))
		return;
	right = arena_alloc(law->arena, size);
	protobuf_c_message_pack(a, left);
	protobuf_c_message_pack(b, right);
	CHECK_MEM(left, right, size);
}

/* Time passes between the two captures: an armed timer must be armed, with
 * less left than before; and is then left out of the comparison. */
#define LAW_TIME_CHECK(a, b, frac)                                             \
	do {                                                                   \
		CHECK_INT(!(a)->vsec && !(a)->frac, !(b)->vsec && !(b)->frac); \
		CHECK((b)->vsec <= (a)->vsec);                                 \
		(a)->vsec = (a)->frac = 0;                                     \
		(b)->vsec = (b)->frac = 0;                                     \
	} while (0)

static void law_timers_check(TaskTimersEntry *a, TaskTimersEntry *b)
{
	LAW_TIME_CHECK(a->real, b->real, vusec);
	LAW_TIME_CHECK(a->virt, b->virt, vusec);
	LAW_TIME_CHECK(a->prof, b->prof, vusec);
	for (size_t i = 0; i < a->n_posix && i < b->n_posix; i++)
		LAW_TIME_CHECK(a->posix[i], b->posix[i], vnsec);
}

/* The law itself. */
static void law_check(struct law *law)
{
	struct law_child *a = &law->subject, *b = &law->newborn;
	CoreEntry *core_a = a->tree_thread.core, *core_b = b->tree_thread.core;
	const struct backend *be = backend_host();

	law_timers_check(core_a->tc->timers, core_b->tc->timers);
	law_message_check(law, &core_a->tc->base, &core_b->tc->base);
	law_message_check(
		law, &core_a->thread_core->base, &core_b->thread_core->base);
	/* The heap that both got may have grown before the second one was made.
	 */
	b->task.mm->mm_brk = a->task.mm->mm_brk;
	law_message_check(law, &a->task.mm->base, &b->task.mm->base);
	if (be->clear_tid && be->clear_tid(core_a))
		CHECK_INT(*be->clear_tid(core_a), *be->clear_tid(core_b));
	a->task.extra->pid = b->task.extra->pid;
	law_message_check(law, &a->task.extra->base, &b->task.extra->base);
	a->tree_thread.extra->tid = b->tree_thread.extra->tid;
	law_message_check(
		law, &a->tree_thread.extra->base, &b->tree_thread.extra->base);
}

#endif
