/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/interview.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/fd.h"
#include "base/log.h"
#include "dump/backtrace.h"
#include "inject/regs.h"
#include "inject/rseq.h"
#include "inject/stay.h"
#include "inject/vdso.h"
#include "kernel/oom.h"
#include "kernel/pidfd.h"
#include "kernel/ptrace.h"
#include "kernel/uffd_watch.h"
#include "kinds/kinds.h"

/* Before those of the kinds, of each thread. */
enum { OP_SECUREBITS };

struct interview {
	struct dump *dump;
	struct victim *victim;
	struct remote remote;
	struct remote_thread *threads;
	struct stay_play *plays;
	size_t n;
	struct patience patience;
};

static int interview_look(const void *of, struct err *err)
{
	return run_check_interrupt(
		of, "while", "a thread was asked what it has", err);
}

static int trap_check(const struct victim_thread *thread, struct err *err)
{
	uint64_t pending =
		thread->status.sig_pending | thread->status.sig_pending_shared;

	if (pending & 1ull << (SIGTRAP - 1)) {
		err_set(err, EBUSY,
			"a SIGTRAP waits in thread %d, and would end what the "
			"dump does in it",
			thread->tid);
		return err_hint(err, "let it receive the signal, then retry");
	}
	return 0;
}

/* Other kernels have other code there. */
static int thread_leave_vdso(
	struct interview *in, struct victim_thread *thread, struct err *err)
{
	uint64_t trap = 1ull << (SIGTRAP - 1), pc;
	struct dump *dump = in->dump;
	const struct map *map;
	bool moved;
	int code;

	pc = dump->run->be->reg_get(thread->regs.set[0].bytes, REG_PC);
	map = maps_find(&in->victim->maps, pc);
	if (!map || strcmp(map->path, "[vdso]") != 0 ||
		thread->status.sig_ignored & trap)
		return 0;
	code = vdso_leave(dump->run->be, &in->remote.memory, map, thread->tid,
		pc, thread->sigmask, &thread->held, &moved, err);
	if (!code && moved)
		code = regs_fetch(dump->arena, dump->run->be, thread->tid,
			&thread->regs, err);
	return code;
}

/* All that a call in this thread will change. */
static int registers_fetch(
	struct interview *in, struct victim_thread *thread, struct err *err)
{
	const struct backend *be = in->dump->run->be;
	int code;

	code = trap_check(thread, err);
	if (!code)
		code = regs_fetch(
			in->dump->arena, be, thread->tid, &thread->regs, err);
	if (!code && be->regs_check)
		code = be->regs_check(&thread->regs, err);
	return code ?: ptrace_sigmask_get(thread->tid, &thread->sigmask, err);
}

/* A critical section does not live through a call made elsewhere. */
static int section_leave(
	struct interview *in, struct victim_thread *thread, struct err *err)
{
	if (ptrace_rseq_get(thread->tid, &thread->rseq, ERR_UNREAD))
		thread->rseq = (struct ptrace_rseq){0};
	return rseq_abort(in->dump->run->be, &in->remote.memory, &thread->rseq,
		thread->regs.set[0].bytes, err);
}

static int thread_fetch(
	struct interview *in, struct victim_thread *thread, struct err *err)
{
	int code = registers_fetch(in, thread, err)
			   ?: thread_leave_vdso(in, thread, err);

	if (code)
		return err_wrap(err, "thread %d", thread->tid);
	return section_leave(in, thread, err);
}

/* All kinds' questions to one thread. */
static int thread_ask(struct dump *dump, struct victim_thread *thread,
	bool leader, struct err *err)
{
	struct tape *tape = tape_new(dump->arena,
		arena_printf(dump->arena, "thread %d", thread->tid));

	thread->tape = tape;
	tape_about(tape, "securebits");
	tape_call(tape, CALL_prctl, A(PR_GET_SECUREBITS));
	return kinds_ask(thread, leader, err);
}

static int interview_prepare(struct interview *in, struct err *err)
{
	struct victim_thread *thread;
	int code;

	in->n = in->victim->threads.n;
	in->threads = arena_newn(in->dump->arena, struct remote_thread, in->n);
	in->plays = arena_newn(in->dump->arena, struct stay_play, in->n);
	for (size_t i = 0; i < in->n; i++) {
		thread = in->victim->threads.at[i];
		code = thread_fetch(in, thread, err);
		if (!code)
			code = thread_ask(in->dump, thread, i == 0, err);
		if (code)
			return code;
		in->threads[i] = (struct remote_thread){.tid = thread->tid,
			.regs = &thread->regs,
			.sigmask = thread->sigmask,
			.filtered = thread->status.seccomp != 0,
			.patience = &in->patience};
		in->plays[i] = (struct stay_play){.tape = thread->tape};
	}
	return 0;
}

/* By a call whose result no other process can write. */
static int securebits_call(
	struct interview *in, size_t i, uint32_t *ret, struct err *err)
{
	static const uint64_t args[6] = {PR_GET_SECUREBITS};
	int64_t bits;
	int code;

	code = remote_call(
		&in->remote, &in->threads[i], CALL_prctl, args, &bits, err);
	if (!code && bits < 0)
		return err_code(err, (int)bits,
			"asking thread %d for its securebits",
			in->threads[i].tid);
	if (!code)
		*ret = (uint32_t)bits;
	return code;
}

/*
 * Securebits are rights, and no file tells them. A thread that answered on its
 * tape what the leader is known to have is believed: whoever could write that
 * answer could as well have the leader work for him.
 */
static int securebits_ask(struct interview *in, struct err *err)
{
	struct victim_thread *const *threads = in->victim->threads.at;
	int64_t told;
	int code = 0;

	for (size_t i = 1; i < in->n && !code; i++) {
		code = tape_result(threads[i]->tape, in->plays[i].block,
			OP_SECUREBITS, 0, UINT32_MAX, &told, err);
		threads[i]->securebits = threads[0]->securebits;
		if (!code && told != threads[0]->securebits)
			code = securebits_call(
				in, i, &threads[i]->securebits, err);
	}
	return code;
}

static int interview_play(struct interview *in, struct err *err)
{
	struct remote *remote = &in->remote;
	int code = 0;

	for (size_t i = 0; i < in->n && !code; i++) {
		remote_ready(in->dump->arena, &in->threads[i]);
		code = remote_probe(remote, &in->threads[i], err);
		in->victim->threads.at[i]->restart = in->threads[i].restart;
	}
	if (!code)
		code = remote_find_syscall(remote->be, &remote->memory,
			&in->victim->maps, &remote->syscall_at, err);
	if (!code)
		code = stay_begin(in->dump->arena, remote, in->threads,
			in->plays, in->n, err);
	if (!code)
		memcpy(in->victim->trap_action, stay_trap(remote),
			sizeof(in->victim->trap_action));
	if (!code)
		code = securebits_call(
			in, 0, &in->victim->threads.at[0]->securebits, err);
	if (!code)
		code = run_step(in->dump->run, "dump.inject", err);
	if (!code)
		code = stay_play(remote, err);
	if (!code)
		code = securebits_ask(in, err);
	for (size_t i = 0; i < in->n && !code; i++)
		in->victim->threads.at[i]->block = in->plays[i].block;
	return code;
}

/* Whatever happened before. */
static int interview_cure(struct interview *in, struct err *err)
{
	int code = stay_end(&in->remote, in->threads, in->n, err);

	for (size_t i = 0; i < in->n; i++)
		in->victim->threads.at[i]->held |= in->threads[i].held;
	return code ? err_wrap(err, "curing process %d", in->victim->pid) : 0;
}

static void interview_undo(void *of)
{
	interview_cure(of, ERR_UNREAD);
}

/* What curing takes is there before anything is to be cured. */
static int cure_put_aside(struct interview *in, struct err *err)
{
	struct arena *arena = in->dump->arena;
	const struct victim_thread *thread;
	size_t size = 64 << 10;

	for (size_t i = 0; i < in->n; i++) {
		thread = in->victim->threads.at[i];
		for (size_t k = 0; k < REGS_MAX; k++)
			size += thread->regs.set[k].size + 16;
	}
	return arena_reserve(arena, 0, size) ? run_no_memory(size, err) : 0;
}

static struct interview interview_make(struct dump *dump, struct victim *victim)
{
	return (struct interview){.dump = dump,
		.victim = victim,
		.remote = {.be = dump->run->be, .memory = MEMORY_CLOSED},
		.patience = {.timeout_ms = dump->run->opt->timeout * 1000,
			.look = interview_look,
			.of = dump->run}};
}

static int interview_victim(
	struct dump *dump, struct victim *victim, struct err *err)
{
	struct interview in = interview_make(dump, victim);
	struct arena_end end = {.undo = interview_undo, .of = &in};
	struct err second = {0};
	int code, cured;

	code = memory_open(&victim->proc, &in.remote.memory, err);
	if (!code)
		code = interview_prepare(&in, err) ?: cure_put_aside(&in, err);
	if (!code) {
		in.remote.leader = &in.threads[0];
		arena_end_push(dump->arena, &end);
		code = interview_play(&in, err);
		cured = interview_cure(&in, code ? &second : err);
		arena_end_pop(dump->arena, &end);
		code = code ?: cured;
		if (code)
			backtrace_log_victim(dump, victim);
	}
	memory_close(&in.remote.memory);
	return code ? err_wrap(err, "asking process %d", victim->pid) : 0;
}

/* --- one call of the leader ------------------------------------------------
 */

static int leader_prepare(struct interview *in, struct err *err)
{
	struct victim_thread *leader = in->victim->threads.at[0];
	int code;

	in->n = 1;
	in->threads = arena_new1(in->dump->arena, struct remote_thread);
	code = registers_fetch(in, leader, err)
		       ?: section_leave(in, leader, err);
	in->threads[0] = (struct remote_thread){.tid = leader->tid,
		.regs = &leader->regs,
		.sigmask = leader->sigmask,
		.filtered = leader->status.seccomp != 0,
		.patience = &in->patience};
	in->remote.leader = &in->threads[0];
	return code ?: cure_put_aside(in, err);
}

/* It is closed there at once, whatever became of the copy. */
static int uffd_call(struct interview *in, int *ret_fd, struct err *err)
{
	uint64_t args[6] = {UFFD_CREATE_FLAGS};
	struct remote_thread *leader = in->remote.leader;
	int64_t fd, closed;
	int code, also;

	code = remote_call(
		&in->remote, leader, CALL_userfaultfd, args, &fd, err);
	if (code)
		return code;
	if (fd < 0) {
		log_warn("process %d may have no userfaultfd (%s): its memory "
			 "is stored as a whole each time",
			in->victim->pid, strerror((int)-fd));
		return 0;
	}
	code = pidfd_copy_file(
		in->victim->pidfd, in->victim->pid, (int)fd, ret_fd, err);
	args[0] = (uint64_t)fd;
	also = remote_call(&in->remote, leader, CALL_close, args, &closed,
		code ? ERR_UNREAD : err);
	return code ?: also;
}

static int uffd_play(struct interview *in, int *ret_fd, struct err *err)
{
	struct remote *remote = &in->remote;
	int code;

	remote_ready(in->dump->arena, remote->leader);
	code = remote_probe(remote, remote->leader, err);
	if (!code)
		code = remote_find_syscall(remote->be, &remote->memory,
			&in->victim->maps, &remote->syscall_at, err);
	if (!code)
		code = run_step(in->dump->run, "dump.inject", err);
	return code ?: uffd_call(in, ret_fd, err);
}

int interview_uffd(
	struct dump *dump, struct victim *victim, int *ret_fd, struct err *err)
{
	struct interview in = interview_make(dump, victim);
	struct arena_end end = {.undo = interview_undo, .of = &in};
	int code, cured;

	*ret_fd = -1;
	code = memory_open(&victim->proc, &in.remote.memory, err);
	if (!code)
		code = leader_prepare(&in, err);
	if (!code) {
		arena_end_push(dump->arena, &end);
		code = uffd_play(&in, ret_fd, err);
		cured = interview_cure(&in, code ? ERR_UNREAD : err);
		arena_end_pop(dump->arena, &end);
		code = code ?: cured;
	}
	memory_close(&in.remote.memory);
	if (!code)
		return 0;
	fd_closep(ret_fd);
	*ret_fd = -1;
	return err_wrap(err, "process %d", victim->pid);
}

int interview_victims(struct dump *dump, struct err *err)
{
	int exposed = oom_hide(), code = 0;

	for (size_t i = 0; i < dump->victims.n && !code; i++)
		if (dump->victims.at[i]->state != TASK_DEAD)
			code = interview_victim(dump, dump->victims.at[i], err);
	oom_expose(exposed);
	return code;
}
