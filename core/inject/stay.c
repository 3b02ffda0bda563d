/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inject/stay.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inject/home.h"
#include "inject/lift.h"
#include "kernel/ptrace.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51 /* x86: Linux 5.14 */
#endif

enum {
	PAGE_ROOM = 65536,
	FRAME_ROOM = 16384, /* of a signal, where the kernel does not say */
	LEAVE_CALLS = 16,   /* stops of calls that the way out may make */
};

struct stay {
	struct remote_thread *threads;
	struct stay_play *plays;
	size_t n, slot_size;
	struct home *home;
	size_t home_size; /* with its states, padded */
	char *blocks;
	size_t blocks_size;
	uint64_t home_at, top;
	bool booted;
};

static size_t round_up(size_t size, size_t to)
{
	return (size + to - 1) / to * to;
}

/* --- before the victim is touched ---------------------------------------- */

static size_t slot_size(void)
{
	size_t frame = getauxval(AT_MINSIGSTKSZ) ?: FRAME_ROOM;

	return round_up(
		HOME_STACK + frame + HOME_STACK_TOP + sizeof(struct home_slot),
		64);
}

/* Tapes lie in a row. */
static int press_all(struct arena *arena, const struct backend *be,
	struct stay *stay, struct err *err)
{
	size_t at = 0;
	int code = 0;

	for (size_t i = 0; i < stay->n; i++)
		stay->blocks_size += tape_size(stay->plays[i].tape);
	stay->blocks = arena_alloc(arena, stay->blocks_size);
	for (size_t i = 0; i < stay->n && !code; i++) {
		code = tape_press(stay->plays[i].tape, be, -(int64_t)at,
			stay->blocks + at, err);
		stay->plays[i].block = stay->blocks + at;
		at += tape_size(stay->plays[i].tape);
	}
	return code;
}

static struct stay *stay_new(struct arena *arena, struct remote_thread *threads,
	struct stay_play *plays, size_t n)
{
	struct stay *stay = arena_new1(arena, struct stay);

	*stay = (struct stay){.threads = threads,
		.plays = plays,
		.n = n,
		.slot_size = slot_size(),
		.home_size = round_up(sizeof(struct home) + n, 64)};
	stay->home = arena_alloc(arena, stay->home_size);
	memset(stay->home, 0, stay->home_size);
	for (size_t i = 0; i < n; i++)
		remote_ready(arena, &threads[i]);
	return stay;
}

/* --- coming -------------------------------------------------------------- */

static uint64_t slot_end(const struct stay *stay, size_t i)
{
	return stay->top - i * stay->slot_size;
}

static uint64_t slot_stack(const struct stay *stay, size_t i)
{
	return slot_end(stay, i) - sizeof(struct home_slot) - HOME_STACK_TOP;
}

/* rt_sigreturn forgets how long a sleep was to last still: it starts again. */
static void settle(
	const struct backend *be, const struct remote_thread *thread, void *gpr)
{
	enum restart_class restart = thread->restart;

	if (restart == RESTART_UNKNOWN)
		restart = be->restart(gpr);
	if (restart == RESTART_BLOCK)
		restart = RESTART_AGAIN;
	be->settle(gpr, restart);
}

static int slot_write(const struct remote *remote, size_t i, struct err *err)
{
	const struct stay *stay = remote->stay;
	const struct remote_thread *thread = &stay->threads[i];
	char gpr[REMOTE_GPR_ROOM] __attribute__((aligned(16)));
	size_t size = remote_copy(thread, gpr);
	struct home_slot slot = {.sigmask = thread->sigmask,
		.flags = thread->filtered ? HOME_FILTERED : 0,
		.dispatch_mode = thread->dispatch.mode,
		.dispatch_offset = thread->dispatch.offset,
		.dispatch_len = thread->dispatch.len,
		.selector = thread->dispatch.selector};

	settle(remote->be, thread, gpr);
	memcpy(slot.gpr, gpr,
		size < sizeof(slot.gpr) ? size : sizeof(slot.gpr));
	return memory_write(&remote->memory, slot_end(stay, i) - sizeof(slot),
		&slot, sizeof(slot), err);
}

static void home_fill(const struct remote *remote, struct stay *stay)
{
	struct home *home = stay->home;

	stay->home_at = remote->code + HOME_AT;
	stay->top = remote->code + remote->code_size;
	*home = (struct home){.top = stay->top,
		.slot_size = stay->slot_size,
		.n = stay->n,
		.page = (uint64_t)sysconf(_SC_PAGESIZE),
		.ours = {.handler = remote->code + remote->be->agent->entry +
				    GATE_CURE,
			.flags = HOME_SIGINFO | HOME_RESTORER,
			.restorer = remote->code,
			.mask = ~0ull}};
	memset(home->state, HOME_MAYBE, stay->n);
}

/* The home becomes what can be written, the action of SIGTRAP the agent's. */
static int boot_once(struct remote *remote, int64_t *ret_result,
	int64_t *ret_booted, struct err *err)
{
	const struct backend *be = remote->be;
	const struct stay *stay = remote->stay;
	char gpr[REMOTE_GPR_ROOM] __attribute__((aligned(16)));
	size_t size = remote_copy(remote->leader, gpr);
	int code;

	be->call(gpr, remote->code + be->agent->entry + GATE_BOOT,
		slot_stack(stay, 0), stay->home_at);
	be->reg_set(gpr, REG_NR, be->calls[CALL_mprotect]);
	be->reg_set(gpr, REG_ARG1, stay->top - stay->home_at);
	be->reg_set(gpr, REG_ARG2, PROT_READ | PROT_WRITE);
	code = remote_enter(be, remote->leader, gpr, false, err);
	if (!code)
		code = remote_wait_trap(remote->leader, err);
	if (!code)
		code = ptrace_regset_get(remote->leader->tid,
			be->regsets[0].note, gpr, &size, err);
	*ret_result = code ? 0 : be->result(gpr);
	if (!code)
		code = memory_read(&remote->memory, stay->home_at, stay->home,
			sizeof(*stay->home), err);
	*ret_booted = stay->home->booted;
	return code;
}

static int boot(struct remote *remote, struct err *err)
{
	int64_t result, booted;
	int code = boot_once(remote, &result, &booted, err);

	if (!code && !booted && (result == -ENOMEM || result == -EAGAIN) &&
		!lift_limits(remote, ERR_UNREAD))
		code = boot_once(remote, &result, &booted, err);
	if (code || booted == 1)
		return code;
	result = booted ?: result < 0 ? result : -EPROTO;
	code = err_code(err, (int)result, "starting the agent in process %d",
		remote->memory.pid);
	return result == -ENOMEM || result == -EAGAIN ? remote_room_hint(err)
						      : code;
}

/* The first moment that is open ends in boot. */
static int agent_map(struct remote *remote, struct err *err)
{
	const struct blob *agent = remote->be->agent;
	struct stay *stay = remote->stay;
	int code = remote_map(remote, remote->code_size, &remote->code, err);

	if (code)
		return code;
	home_fill(remote, stay);
	code = memory_write(
		&remote->memory, remote->code, agent->bytes, agent->size, err);
	if (!code)
		code = memory_write(&remote->memory, stay->home_at, stay->home,
			stay->home_size, err);
	if (!code)
		code = slot_write(remote, 0, err);
	return code ?: boot(remote, err);
}

int stay_begin(struct arena *arena, struct remote *remote,
	struct remote_thread *threads, struct stay_play *plays, size_t n,
	struct err *err)
{
	struct stay *stay = stay_new(arena, threads, plays, n);
	int code = press_all(arena, remote->be, stay, err);

	if (code)
		return code;
	remote->stay = stay;
	remote->code_size =
		HOME_AT + round_up(stay->home_size + stay->blocks_size +
					   n * stay->slot_size,
				  PAGE_ROOM);
	code = agent_map(remote, err);
	if (code)
		return code;
	stay->booted = true;
	threads[0].sp = slot_stack(stay, 0);
	for (size_t i = 1; i < n && !code; i++) {
		code = slot_write(remote, i, err);
		if (!code)
			threads[i].sp = slot_stack(stay, i);
	}
	return code;
}

const struct home_action *stay_trap(const struct remote *remote)
{
	return &remote->stay->home->theirs;
}

/* --- playing ------------------------------------------------------------- */

static int play_start(
	struct remote *remote, size_t i, uint64_t tape_at, struct err *err)
{
	struct remote_thread *thread = &remote->stay->threads[i];
	const struct backend *be = remote->be;
	char gpr[REMOTE_GPR_ROOM] __attribute__((aligned(16)));

	remote_copy(thread, gpr);
	be->call(gpr, remote->code + be->agent->entry + GATE_ASK, thread->sp,
		tape_at);
	return remote_enter(be, thread, gpr, false, err);
}

static int play_all(struct remote *remote, uint64_t at, struct err *err)
{
	struct stay *stay = remote->stay;
	struct err first = {0};
	size_t started = 0;
	int code = 0, waited = 0;

	while (started < stay->n && !code) {
		code = play_start(remote, started,
			at + (uint64_t)((const char *)stay->plays[started]
						.block -
					stay->blocks),
			err);
		started += !code;
	}
	/* One whose end does not come took all the patience there is. */
	for (size_t i = 0;
		i < started && waited != -ETIMEDOUT && waited != -EINTR; i++) {
		waited = remote_wait_trap(&stay->threads[i], &first);
		if (waited && !code) {
			code = waited;
			err_copy(err, &first);
		}
	}
	return code;
}

int stay_play(struct remote *remote, struct err *err)
{
	struct stay *stay = remote->stay;
	uint64_t at = stay->home_at + stay->home_size;
	int code;

	code = memory_write(
		&remote->memory, at, stay->blocks, stay->blocks_size, err);
	if (!code)
		code = play_all(remote, at, err);
	if (!code)
		code = memory_read(&remote->memory, at, stay->blocks,
			stay->blocks_size, err);
	for (size_t i = 0; i < stay->n && !code; i++)
		code = tape_check(
			stay->plays[i].tape, stay->plays[i].block, err);
	return code;
}

/* --- leaving ------------------------------------------------------------- */

static int threads_halt(
	struct remote_thread *threads, size_t n, struct err *err)
{
	int code = 0, also;

	for (size_t i = 0; i < n; i++) {
		also = remote_interrupt(&threads[i], code ? ERR_UNREAD : err);
		code = code ?: also;
	}
	for (size_t i = 0; i < n; i++) {
		also = remote_halt(&threads[i], code ? ERR_UNREAD : err);
		code = code ?: also;
	}
	return code;
}

/* Of all but the leader, who is in. kept: the agent is to unmap nothing. */
static int states_write(struct remote *remote, enum home_state state, bool kept,
	struct err *err)
{
	const struct stay *stay = remote->stay;
	struct home *home = stay->home;
	size_t at = offsetof(struct home, kept);

	home->kept = kept;
	memset(home->state, state, stay->n);
	home->state[0] = HOME_IN;
	return memory_write(&remote->memory, stay->home_at + at, &home->kept,
		offsetof(struct home, state) - at + stay->n, err);
}

/* We suspend filters and dispatch, so the leader need not care for them. */
static int leader_free(struct remote *remote, struct err *err)
{
	static const uint64_t none[2]; /* flags, dispatch_mode */

	if (!remote->leader->filtered && !remote->leader->dispatch.mode)
		return 0;
	return memory_write(&remote->memory,
		remote->stay->top - sizeof(struct home_slot) +
			offsetof(struct home_slot, flags),
		none, sizeof(none), err);
}

/* Into the agent's own way out, as far as the entry of rt_sigreturn. */
static int leader_go_out(struct remote *remote, struct err *err)
{
	struct remote_thread *leader = remote->leader;
	const struct backend *be = remote->be;
	char gpr[REMOTE_GPR_ROOM] __attribute__((aligned(16)));
	struct ptrace_call call = {0};
	int code;

	remote_copy(leader, gpr);
	be->call(gpr, remote->code + be->agent->entry + GATE_TRAP, leader->sp,
		0);
	code = remote_enter(be, leader, gpr, false, err);
	if (!code)
		code = remote_wait_trap(leader, err);
	if (!code)
		code = remote_step(leader, SIGTRAP, err);
	for (int i = 0; i < LEAVE_CALLS && !code; i++) {
		code = ptrace_call_get(leader->tid, &call, err);
		if (!code && call.at == PTRACE_CALL_ENTRY &&
			call.nr == be->calls[CALL_rt_sigreturn])
			return 0;
		if (!code)
			code = remote_step(leader, 0, err);
	}
	return code
		       ?: err_set(err, EPROTO,
				  "the agent in process %d does not leave",
				  remote->memory.pid);
}

/* The call that would return to the thread's own registers becomes the one
 * that unmaps all, and they are placed behind it: only in between are they
 * nowhere. */
static int leader_divert(struct remote *remote, struct err *err)
{
	struct remote_thread *leader = remote->leader;
	const struct backend *be = remote->be;
	const int32_t nr = be->calls[CALL_munmap];
	char gpr[REMOTE_GPR_ROOM] __attribute__((aligned(16)));
	size_t size = sizeof(gpr);
	struct ptrace_call call = {0};
	int code;

	code = ptrace_regset_get(
		leader->tid, be->regsets[0].note, gpr, &size, err);
	if (code)
		return code;
	be->divert(gpr, (uint64_t)nr);
	be->reg_set(gpr, REG_ARG0, remote->code);
	be->reg_set(gpr, REG_ARG1, remote->code_size);
	code = ptrace_regset_set(
		leader->tid, be->regsets[0].note, gpr, size, err);
	if (!code && be->probe_note)
		code = ptrace_regset_set(
			leader->tid, be->probe_note, &nr, sizeof(nr), err);
	if (!code)
		code = remote_step(leader, 0, err);
	if (!code)
		code = ptrace_call_get(leader->tid, &call, err);
	if (!code && (call.at != PTRACE_CALL_EXIT || call.result))
		code = err_set(err, EPROTO,
			"the agent in process %d was not unmapped",
			remote->memory.pid);
	return code;
}

/* The vdso's own instruction is always there. */
static int leader_leave_plainly(struct remote *remote, struct err *err)
{
	uint64_t args[6] = {SIGTRAP,
		remote->stay->home_at + offsetof(struct home, theirs), 0,
		sizeof(uint64_t)};
	int code = threads_halt(remote->leader, 1, err);
	int64_t result;

	if (code)
		return code;
	remote->leader->sp = 0;
	if (remote->stay->booted)
		code = remote_call(remote, remote->leader, CALL_rt_sigaction,
			args, &result, err);
	return code ?: remote_close(remote, err);
}

static int leader_leave(struct remote *remote, struct err *err)
{
	struct stay *stay = remote->stay;
	int code = stay->booted ? 0 : -EAGAIN;

	if (!code)
		code = states_write(remote, HOME_OUT, true, ERR_UNREAD);
	if (!code)
		code = lift_end(remote, ERR_UNREAD);
	if (!code)
		code = leader_free(remote, ERR_UNREAD);
	if (!code)
		code = leader_go_out(remote, ERR_UNREAD);
	if (!code)
		code = leader_divert(remote, ERR_UNREAD);
	if (code)
		return leader_leave_plainly(remote, err);
	remote->code = 0;
	remote->leader->sp = 0;
	return 0;
}

static int threads_cure(struct remote *remote, struct remote_thread *threads,
	size_t n, struct err *err)
{
	int code = 0, also;

	for (size_t i = 0; i < n; i++) {
		also = remote_cure(
			remote->be, &threads[i], code ? ERR_UNREAD : err);
		code = code ?: also;
	}
	return code;
}

int stay_end(struct remote *remote, struct remote_thread *threads, size_t n,
	struct err *err)
{
	int code = threads_halt(threads, n, err), also;

	if (remote->stay && remote->code) {
		also = remote->stay->booted && n > 1
			       ? states_write(remote, HOME_MAYBE, false,
					 code ? ERR_UNREAD : err)
			       : 0;
		code = code ?: also;
		also = threads_cure(
			remote, threads + 1, n - 1, code ? ERR_UNREAD : err);
		code = code ?: also;
		/* Nothing is unmapped under a thread that is still there. */
		if (!code)
			code = leader_leave(remote, err);
	}
	also = threads_cure(remote, threads, n, code ? ERR_UNREAD : err);
	return code ?: also;
}
