/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inject/remote.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "base/ending.h"
#include "inject/home.h"
#include "inject/lift.h"
#include "inject/regs.h"
#include "kernel/ptrace.h"

enum { PAGE_ROOM = 65536, GPR_ROOM = REMOTE_GPR_ROOM, PASSES_MAX = 1000 };

static const uint64_t all_but_trap = ~(1ull << (SIGTRAP - 1));

static size_t pages(size_t size)
{
	return (size + PAGE_ROOM - 1) & ~(size_t)(PAGE_ROOM - 1);
}

int remote_seize(pid_t tid, unsigned long more, struct err *err)
{
	unsigned long options = PTRACE_O_TRACESYSGOOD | more;
	int code;

	code = ptrace_seize(tid, options | PTRACE_O_SUSPEND_SECCOMP, err);
	if (code == -EPERM || code == -EINVAL)
		code = ptrace_seize(tid, options, err);
	return code;
}

static int find_insn(const struct memory *memory, const struct map *map,
	const struct insn *insn, uint64_t *ret_at, struct err *err)
{
	char room[8192];
	size_t size;
	char *hit;
	int code;

	for (uint64_t at = map->start; at < map->end; at += size) {
		size = map->end - at < sizeof(room) ? map->end - at
						    : sizeof(room);
		code = memory_read(memory, at, room, size, err);
		if (code)
			return code;
		hit = memmem(room, size, insn->bytes, insn->size);
		while (hit && insn->size == 4 && ((hit - room) & 3))
			hit = memmem(hit + 1, (size_t)(room + size - hit - 1),
				insn->bytes, insn->size);
		if (!hit)
			continue;
		*ret_at = at + (uint64_t)(hit - room);
		return 0;
	}
	return -ENOENT;
}

int remote_find_syscall(const struct backend *be, const struct memory *memory,
	const struct maps *maps, uint64_t *ret_at, struct err *err)
{
	const struct map *map;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < maps->n; i++) {
			map = &maps->at[i];
			if ((strcmp(map->path, "[vdso]") == 0) != (pass == 0))
				continue;
			if (!(map->prot & PROT_EXEC) ||
				map->start >= be->task_size)
				continue;
			if (!find_insn(memory, map, &be->syscall, ret_at,
				    ERR_UNREAD))
				return 0;
		}
	}
	return err_set(err, ENOEXEC,
		"process %d has no system call instruction in its memory",
		memory->pid);
}

static int thread_go(
	struct remote_thread *thread, bool syscall, struct err *err)
{
	int code = syscall ? ptrace_syscall(thread->tid, 0, err)
			   : ptrace_cont(thread->tid, 0, err);

	thread->running = !code;
	return code;
}

static int thread_await(
	struct remote_thread *thread, int *ret_status, struct err *err)
{
	int code = ptrace_wait_patiently(
		thread->tid, thread->patience, ret_status, err);

	if (!code)
		thread->running = false;
	return code;
}

/* A stop that is not the one awaited: hold its signal back, run on. */
static int stop_pass(
	struct remote_thread *thread, int status, bool syscall, struct err *err)
{
	int sig = WSTOPSIG(status) & 0x7f;

	if (!(status >> 16) && sig != SIGTRAP)
		thread->held |= 1ull << (sig - 1);
	return thread_go(thread, syscall, err);
}

/* It would run into the same again, and for ever. */
static int fault_look(
	const struct remote_thread *thread, int status, struct err *err)
{
	int sig = WSTOPSIG(status);
	char label[SIGNAL_LABEL];

	if (status >> 16 || (sig != SIGSEGV && sig != SIGBUS && sig != SIGILL))
		return 0;
	return err_set(err, EFAULT,
		"thread %d: what it was told to run died of %s", thread->tid,
		signal_label(sig, label));
}

/* Until the thread stops as is awaited. Stops of other sorts pass, but not for
 * ever: code that others wrote over the agent's may trap and trap. */
static int stop_find(
	struct remote_thread *thread, int wanted, bool syscall, struct err *err)
{
	int status, code;

	for (int i = 0; i < PASSES_MAX; i++) {
		code = thread_await(thread, &status, err);
		if (code)
			return code;
		if (!(status >> 16) && WSTOPSIG(status) == wanted)
			return 0;
		code = fault_look(thread, status, err);
		if (!code)
			code = stop_pass(thread, status, syscall, err);
		if (code)
			return code;
	}
	return err_set(err, EPROTO,
		"thread %d stops over and over, and never where it was told to",
		thread->tid);
}

static int wait_syscall_stop(struct remote_thread *thread, struct err *err)
{
	return stop_find(thread, SIGTRAP | 0x80, true, err);
}

int remote_wait_trap(struct remote_thread *thread, struct err *err)
{
	return stop_find(thread, SIGTRAP, false, err);
}

void remote_ready(struct arena *arena, struct remote_thread *thread)
{
	thread->back = regs_copy(arena, thread->regs);
	thread->resumed = false;
	if (ptrace_dispatch_get(thread->tid, &thread->dispatch, ERR_UNREAD))
		thread->dispatch = (struct ptrace_dispatch){0};
}

/* Signals off; and our system calls are not for the thread to answer. */
static int thread_take(struct remote_thread *thread, struct err *err)
{
	static const struct ptrace_dispatch none;
	int code;

	if (thread->touched)
		return 0;
	thread->touched = true;
	code = ptrace_sigmask_set(thread->tid, all_but_trap, err);
	if (!code && thread->dispatch.mode)
		code = ptrace_dispatch_set(thread->tid, &none, err);
	return code;
}

size_t remote_copy(const struct remote_thread *thread, char gpr[GPR_ROOM])
{
	memcpy(gpr, thread->regs->set[0].bytes, thread->regs->set[0].size);
	return thread->regs->set[0].size;
}

int remote_enter(const struct backend *be, struct remote_thread *thread,
	const char *gpr, bool syscall, struct err *err)
{
	int code = ptrace_regset_set(thread->tid, be->regsets[0].note, gpr,
		thread->regs->set[0].size, err);

	if (!code)
		code = thread_take(thread, err);
	return code ?: thread_go(thread, syscall, err);
}

int remote_step(struct remote_thread *thread, int sig, struct err *err)
{
	int code = ptrace_syscall(thread->tid, sig, err);

	thread->running = !code;
	return code ?: wait_syscall_stop(thread, err);
}

static int call_fail(
	const struct remote_thread *thread, enum call call, struct err *err)
{
	return err_wrap(
		err, "%s inside thread %d", call_name(call), thread->tid);
}

int remote_call_begin(struct remote *remote, struct remote_thread *thread,
	enum call call, const uint64_t args[6], struct err *err)
{
	const struct backend *be = remote->be;
	char gpr[GPR_ROOM];
	int code;

	remote_copy(thread, gpr);
	be->call(gpr,
		thread->sp ? remote->code + GATE_CALL : remote->syscall_at,
		thread->sp ?: be->reg_get(gpr, REG_SP), 0);
	be->reg_set(gpr, REG_NR, be->calls[call]);
	for (int i = 0; i < 6; i++)
		be->reg_set(gpr, (enum reg)(REG_ARG0 + i), args[i]);
	memcpy(thread->args, args, sizeof(thread->args));
	code = remote_enter(be, thread, gpr, true, err);
	return code ? call_fail(thread, call, err) : 0;
}

/* The instruction was in memory that others may write. Another call than ours
 * is made to its end, so that the thread can be cured. */
static int entry_look(const struct remote *remote, struct remote_thread *thread,
	enum call call, struct err *err)
{
	struct ptrace_call at;
	int code = ptrace_call_get(thread->tid, &at, err);

	if (code)
		return code;
	thread->strayed = at.at != PTRACE_CALL_ENTRY ||
			  at.nr != remote->be->calls[call] ||
			  memcmp(at.args, thread->args, sizeof(at.args));
	return 0;
}

static int stray_fail(struct err *err)
{
	err_set(err, EPROTO, "it made another system call than it was told to");
	return err_hint(err, "another process of its user wrote into its "
			     "memory meanwhile; end that one, and retry");
}

int remote_call_enter(struct remote *remote, struct remote_thread *thread,
	enum call call, struct err *err)
{
	int code = wait_syscall_stop(thread, err);

	if (!code)
		code = entry_look(remote, thread, call, err);
	if (!code)
		code = thread_go(thread, true, err);
	return code ? call_fail(thread, call, err) : 0;
}

int remote_call_end(struct remote *remote, struct remote_thread *thread,
	enum call call, int64_t *ret_result, struct err *err)
{
	const struct backend *be = remote->be;
	size_t size = thread->regs->set[0].size;
	char gpr[GPR_ROOM];
	int code = wait_syscall_stop(thread, err);

	if (!code && thread->strayed)
		code = stray_fail(err);
	if (!code)
		code = ptrace_regset_get(
			thread->tid, be->regsets[0].note, gpr, &size, err);
	if (code)
		return call_fail(thread, call, err);
	*ret_result = be->result(gpr);
	return 0;
}

int remote_call(struct remote *remote, struct remote_thread *thread,
	enum call call, const uint64_t args[6], int64_t *ret_result,
	struct err *err)
{
	int code = remote_call_begin(remote, thread, call, args, err);

	if (!code)
		code = remote_call_enter(remote, thread, call, err);
	return code ?: remote_call_end(remote, thread, call, ret_result, err);
}

int remote_room_hint(struct err *err)
{
	return err_hint(err,
		"its limits leave no room: RLIMIT_AS, RLIMIT_DATA, "
		"RLIMIT_MEMLOCK (prlimit can raise them) or "
		"vm.max_map_count");
}

/* Only one that stands in front of a system call instruction was in a call
 * that is to be made again: any other would run on in its own code. */
static bool at_syscall(
	const struct remote *remote, const struct remote_thread *thread)
{
	const struct insn *insn = &remote->be->syscall;
	uint64_t pc = remote->be->reg_get(thread->regs->set[0].bytes, REG_PC);
	uint8_t bytes[sizeof(insn->bytes)];

	return !memory_read(
		       &remote->memory, pc, bytes, insn->size, ERR_UNREAD) &&
	       !memcmp(bytes, insn->bytes, insn->size);
}

static int probe_step(struct remote_thread *thread, struct err *err)
{
	int code = thread_go(thread, true, err);

	return code ?: wait_syscall_stop(thread, err);
}

/* At the entry: which call is it? Then past it, without making it. */
static int probe_skip(
	struct remote *remote, struct remote_thread *thread, struct err *err)
{
	const struct backend *be = remote->be;
	const int32_t none = -1;
	struct ptrace_call call;
	int code;

	code = ptrace_call_get(thread->tid, &call, err);
	if (code)
		return code;
	if (call.at != PTRACE_CALL_ENTRY)
		return err_set(err, EPROTO, "no system call was entered");
	code = ptrace_regset_set(
		thread->tid, be->probe_note, &none, sizeof(none), err);
	if (!code)
		code = probe_step(thread, err);
	if (!code)
		thread->restart = call.nr == be->calls[CALL_restart_syscall]
					  ? RESTART_BLOCK
					  : RESTART_AGAIN;
	return code;
}

int remote_probe(
	struct remote *remote, struct remote_thread *thread, struct err *err)
{
	int code;

	if (!remote->be->probe_note || !at_syscall(remote, thread))
		return 0;
	code = thread_take(thread, err);
	if (!code)
		code = probe_step(thread, err);
	if (!code)
		code = probe_skip(remote, thread, err);
	/* Back to where it was: others come before its turn. */
	if (!code)
		code = remote_cure(remote->be, thread, err);
	return code ? err_wrap(err, "asking thread %d for its system call",
			      thread->tid)
		    : 0;
}

static int map_there(struct remote *remote, size_t size, int prot,
	uint64_t *ret_at, struct err *err)
{
	const uint64_t args[6] = {0, size, (uint64_t)prot,
		MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0};
	int64_t result;
	int code;

	code = remote_call(
		remote, remote->leader, CALL_mmap, args, &result, err);
	if (!code && (result == -ENOMEM || result == -EAGAIN) &&
		!lift_limits(remote, ERR_UNREAD))
		code = remote_call(
			remote, remote->leader, CALL_mmap, args, &result, err);
	if (code)
		return code;
	if (result < 0) {
		err_code(err, (int)result,
			"mapping %zu bytes for the agent in process %d", size,
			remote->memory.pid);
		return result == -ENOMEM || result == -EAGAIN
			       ? remote_room_hint(err)
			       : (int)result;
	}
	*ret_at = (uint64_t)result;
	return 0;
}

int remote_map(
	struct remote *remote, size_t size, uint64_t *ret_at, struct err *err)
{
	return map_there(remote, size, PROT_READ | PROT_EXEC, ret_at, err);
}

int remote_open(struct remote *remote, size_t data_size, struct err *err)
{
	const struct blob *agent = remote->be->agent;
	int code;

	remote->code_size = pages(agent->size);
	remote->data_size = pages(data_size);
	code = map_there(remote, remote->code_size, PROT_READ | PROT_EXEC,
		&remote->code, err);
	if (!code)
		code = memory_write(&remote->memory, remote->code, agent->bytes,
			agent->size, err);
	if (!code)
		code = map_there(remote, remote->data_size,
			PROT_READ | PROT_WRITE, &remote->data, err);
	return code;
}

static int unmap_there(
	struct remote *remote, uint64_t *at, size_t size, struct err *err)
{
	const uint64_t args[6] = {*at, size};
	int64_t result;
	int code;

	if (!*at)
		return 0;
	code = remote_call(
		remote, remote->leader, CALL_munmap, args, &result, err);
	if (code)
		return code;
	if (result < 0)
		return err_code(err, (int)result,
			"unmapping the agent in process %d",
			remote->memory.pid);
	*at = 0;
	return 0;
}

int remote_close(struct remote *remote, struct err *err)
{
	int code, also;

	code = unmap_there(remote, &remote->code, remote->code_size, err);
	also = unmap_there(remote, &remote->data, remote->data_size,
		code ? ERR_UNREAD : err);
	code = code ?: also;
	also = lift_end(remote, code ? ERR_UNREAD : err);
	return code ?: also;
}

int remote_interrupt(const struct remote_thread *thread, struct err *err)
{
	return thread->running ? ptrace_interrupt(thread->tid, err) : 0;
}

int remote_halt(struct remote_thread *thread, struct err *err)
{
	enum { HALT_MS = 1000 };
	int status, code;

	if (!thread->running)
		return 0;
	code = ptrace_wait_stop_for(thread->tid, HALT_MS, &status, err);
	if (code)
		return err_hint(err,
			"it sleeps inside the kernel, perhaps in a "
			"file system that does not answer");
	thread->running = false;
	if (!(status >> 16) && (WSTOPSIG(status) & 0x7f) != SIGTRAP)
		thread->held |= 1ull << (WSTOPSIG(status) - 1);
	return 0;
}

/* General registers say where it goes on; the others were never changed by
 * code of ours. */
static int regs_return(
	const struct backend *be, struct remote_thread *thread, struct err *err)
{
	struct regs first = {0}, rest = thread->back;
	int code;

	if (!thread->resumed)
		be->resume(thread->back.set[0].bytes, thread->restart);
	thread->resumed = true;
	first.set[0] = rest.set[0];
	rest.set[0].bytes = NULL;
	code = regs_place(be, thread->tid, &first, err);
	if (!code)
		code = ptrace_sigmask_set(thread->tid, thread->sigmask, err);
	return code ?: regs_place(be, thread->tid, &rest, err);
}

int remote_cure(
	const struct backend *be, struct remote_thread *thread, struct err *err)
{
	int code = 0;

	if (!thread->touched || thread->running)
		return 0;
	/* As long as it is in the agent its trap must come through. */
	if (thread->sp)
		code = ptrace_sigmask_set(
			thread->tid, thread->sigmask & all_but_trap, err);
	if (!code)
		code = regs_return(be, thread, err);
	if (!code && thread->dispatch.mode)
		code = ptrace_dispatch_set(thread->tid, &thread->dispatch, err);
	if (!code)
		thread->touched = false;
	return code;
}
