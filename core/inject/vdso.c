/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inject/vdso.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "kernel/ptrace.h"

/* Functions for the time have less than a hundred; those that read it begin
 * anew when the kernel changes it meanwhile, which may be always where steps
 * are slow (an emulated CPU). */
enum { STEPS_MAX = 2000, STEP_MS = 10000, GPR_ROOM = 1024 };

static uint64_t bit(int sig)
{
	return 1ull << (sig - 1);
}

struct leaving {
	const struct backend *be;
	const struct memory *memory;
	const struct map *vdso;
	pid_t tid;
	uint64_t pc;
	uint64_t *held;
	bool moved, given_up;
};

static bool syscall_is(const struct leaving *leaving, uint64_t at)
{
	const struct insn *insn = &leaving->be->syscall;
	uint8_t bytes[sizeof(insn->bytes)];

	return !memory_read(
		       leaving->memory, at, bytes, insn->size, ERR_UNREAD) &&
	       memcmp(bytes, insn->bytes, insn->size) == 0;
}

/* In front of a system call or in one: what follows needs no data, and a step
 * might last as long as the call. */
static bool near_syscall(const struct leaving *leaving)
{
	return syscall_is(leaving, leaving->pc) ||
	       syscall_is(leaving, leaving->pc - leaving->be->syscall.size);
}

static bool is_inside(const struct leaving *leaving)
{
	return leaving->pc >= leaving->vdso->start &&
	       leaving->pc < leaving->vdso->end;
}

/* A fault (a bad pointer was passed) is had again when the thread runs on by
 * itself; stop signals cannot be made to wait, so they are kept. */
static void signal_take(struct leaving *leaving, int sig)
{
	if (sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN ||
		sig == SIGTTOU)
		*leaving->held |= bit(sig);
	else
		leaving->given_up = true;
}

static int step(struct leaving *leaving, struct err *err)
{
	int status, code;

	code = ptrace_step(leaving->tid, 0, err);
	if (!code)
		code = ptrace_wait_stop_for(
			leaving->tid, STEP_MS, &status, err);
	if (code)
		return code;
	leaving->moved = true;
	if (!(status >> 16) && WSTOPSIG(status) != SIGTRAP)
		signal_take(leaving, WSTOPSIG(status));
	return 0;
}

static int pc_read(struct leaving *leaving, struct err *err)
{
	char gpr[GPR_ROOM] __attribute__((aligned(16)));
	size_t size = sizeof(gpr);
	int code;

	code = ptrace_regset_get(
		leaving->tid, leaving->be->regsets[0].note, gpr, &size, err);
	if (!code)
		leaving->pc = leaving->be->reg_get(gpr, REG_PC);
	return code;
}

int vdso_leave(const struct backend *be, const struct memory *memory,
	const struct map *vdso, pid_t tid, uint64_t pc, uint64_t sigmask,
	uint64_t *held, bool *ret_moved, struct err *err)
{
	struct leaving leaving = {.be = be,
		.memory = memory,
		.vdso = vdso,
		.tid = tid,
		.pc = pc,
		.held = held};
	/* A fault that is blocked would cost its handler. */
	uint64_t open =
		bit(SIGTRAP) | (~sigmask & (bit(SIGSEGV) | bit(SIGBUS)));
	int code, also;

	if (near_syscall(&leaving)) {
		*ret_moved = false;
		return 0;
	}
	code = ptrace_sigmask_set(tid, ~open, err);
	for (int i = 0; i < STEPS_MAX && !code && !leaving.given_up; i++) {
		if (!is_inside(&leaving) || near_syscall(&leaving))
			break;
		code = step(&leaving, err);
		if (!code)
			code = pc_read(&leaving, err);
	}
	also = ptrace_sigmask_set(tid, sigmask, code ? ERR_UNREAD : err);
	if (!code && !also)
		*ret_moved = leaving.moved;
	return code ?: also;
}
