/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compel/compel.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "base/vec.h"
#include "compel/landing.h"
#include "inject/regs.h"
#include "inject/remote.h"
#include "kernel/ptrace.h"

enum { COMPEL_STACK = 65536, COMPEL_ALIGN = 64, COMPEL_GPR_ROOM = 1024 };

struct compel {
	struct arena *arena;
	struct backend be; /* the host's, with the blob for an agent */
	struct blob code;  /* blob and landing */
	size_t landing, trap;
	bool needs_write;
	struct proc proc;
	struct memory memory;
	VEC(pid_t) tids; /* seized */
	struct remote remote;
	struct remote_thread thread; /* the one that runs the blob */
	struct regs regs;
	struct patience patience; /* for the blob */
	bool trap_ignored;	  /* SIGTRAP was, before the first trap */
	size_t data_size;
};

/* Our own errors have a hint beside them; users get one text. */
static int compel_report(
	int code, const struct err *err, struct compel_error *error)
{
	if (!code || !error)
		return code;
	error->code = -code;
	snprintf(error->text, sizeof(error->text), "%s%s%s%s", err->text,
		*err->hint ? " (" : "", err->hint, *err->hint ? ")" : "");
	return code;
}

static int compel_seize_thread(
	struct compel *victim, pid_t tid, struct err *err)
{
	struct proc_stat stat;
	int signal, code;

	code = proc_stat_read(&victim->proc, tid, &stat, err);
	if (code)
		return code;
	/* A dead leader stays listed while its threads live. */
	if (stat.state == 'Z' || stat.state == 'X')
		return 0;
	code = ptrace_seize(tid, PTRACE_O_TRACESYSGOOD, err);
	if (code)
		return code;
	*vec_push(victim->arena, &victim->tids) = tid;
	return ptrace_interrupt(tid, err)
		       ?: ptrace_wait_interrupted(tid, &signal, err);
}

static bool compel_has_thread(const struct compel *victim, pid_t tid)
{
	for (size_t i = 0; i < victim->tids.n; i++)
		if (victim->tids.at[i] == tid)
			return true;
	return false;
}

/* Until nothing new turns up: what stands still makes no threads. */
static int compel_seize_all(struct compel *victim, struct err *err)
{
	bool found = true;
	pid_t *tids;
	size_t n;
	int code;

	while (found) {
		found = false;
		code = proc_list_threads(
			victim->arena, &victim->proc, &tids, &n, err);
		for (size_t i = 0; i < n && !code; i++) {
			if (compel_has_thread(victim, tids[i]))
				continue;
			code = compel_seize_thread(victim, tids[i], err);
			/* One that ended meanwhile is no loss. */
			if (code == -ESRCH && i)
				code = 0;
			found = found || compel_has_thread(victim, tids[i]);
		}
		if (code)
			return code;
	}
	if (victim->tids.n)
		return 0;
	return err_set(err, ESRCH, "process %d has ended", victim->proc.pid);
}

static int compel_look_around(struct compel *victim, struct err *err)
{
	struct remote_thread *thread = &victim->thread;
	struct proc_status status;
	struct maps maps = {0};
	int code;

	thread->tid = victim->tids.at[0];
	thread->regs = &victim->regs;
	code = proc_status_read(
		       victim->arena, &victim->proc, thread->tid, &status, err)
			?: regs_fetch(victim->arena, &victim->be, thread->tid,
				   &victim->regs, err)
			?: ptrace_sigmask_get(thread->tid, &thread->sigmask,
				   err)
			?: memory_open(&victim->proc, &victim->memory, err)
			?: maps_read_plain(
				   victim->arena, &victim->proc, &maps, err)
			?: remote_find_syscall(&victim->be, &victim->memory,
				   &maps, &victim->remote.syscall_at, err);
	if (code)
		return code;
	victim->trap_ignored = status.sig_ignored >> (SIGTRAP - 1) & 1;
	victim->remote.be = &victim->be;
	victim->remote.memory = victim->memory;
	victim->remote.leader = thread;
	remote_ready(victim->arena, thread);
	return 0;
}

static int compel_release(struct compel *victim, struct err *err)
{
	int code = 0, also;

	for (size_t i = 0; i < victim->tids.n; i++) {
		also = ptrace_detach(
			victim->tids.at[i], 0, code ? ERR_UNREAD : err);
		code = code ?: also == -ESRCH ? 0 : also;
	}
	for (int signal = 1; signal <= 64; signal++)
		if (victim->thread.held >> (signal - 1) & 1)
			kill(victim->proc.pid, signal);
	memory_close(&victim->memory);
	proc_close(&victim->proc);
	arena_free(victim->arena);
	return code;
}

int compel_open(
	pid_t pid, struct compel **ret_victim, struct compel_error *error)
{
	struct arena *arena = arena_new();
	struct compel *victim = arena_new1(arena, struct compel);
	struct err err = {0};
	int code;

	victim->arena = arena;
	victim->be = *backend_host();
	victim->patience.timeout_ms = PTRACE_PATIENCE_MS;
	victim->memory = MEMORY_CLOSED;
	victim->proc = PROC_CLOSED;
	code = proc_open(pid, &victim->proc, &err)
			?: compel_seize_all(victim, &err)
			?: compel_look_around(victim, &err);
	if (code) {
		compel_release(victim, ERR_UNREAD);
		err_wrap(&err, "stopping process %d", pid);
		return compel_report(code, &err, error);
	}
	*ret_victim = victim;
	return 0;
}

/* Blob and landing in one piece. */
static int compel_prepare_code(
	struct compel *victim, const struct compel_blob *blob, struct err *err)
{
	size_t landing =
		(blob->size + COMPEL_ALIGN - 1) & ~(size_t)(COMPEL_ALIGN - 1);
	uint8_t *bytes = arena_alloc(victim->arena, landing + LANDING_ROOM);

	if (blob->entry >= blob->size)
		return err_set(err, EINVAL,
			"the blob's entry lies behind its %zu bytes",
			blob->size);
	memcpy(bytes, blob->bytes, blob->size);
	if (!landing_make(victim->be.elf_machine,
		    (int64_t)blob->entry - (int64_t)landing, bytes + landing,
		    &victim->trap))
		return err_set(err, EINVAL,
			"the blob's entry cannot be called on %s",
			victim->be.name);
	victim->landing = landing;
	victim->code = (struct blob){.bytes = bytes,
		.size = landing + LANDING_ROOM,
		.entry = landing};
	victim->be.agent = &victim->code;
	return 0;
}

static int compel_call(struct compel *victim, enum call call,
	const uint64_t args[6], struct err *err)
{
	int64_t result;
	int code;

	code = remote_call(
		&victim->remote, &victim->thread, call, args, &result, err);
	if (code)
		return code;
	if (result < 0)
		return err_code(err, (int)result, "%s inside process %d",
			call_name(call), victim->proc.pid);
	return 0;
}

static int compel_allow_write(struct compel *victim, struct err *err)
{
	const uint64_t args[6] = {victim->remote.code, victim->remote.code_size,
		PROT_READ | PROT_WRITE | PROT_EXEC};

	return compel_call(victim, CALL_mprotect, args, err);
}

static int compel_remove_all(struct compel *victim, struct err *err)
{
	int code = 0;

	if (victim->remote.code || victim->remote.data)
		code = remote_close(&victim->remote, err);
	victim->data_size = 0;
	return code;
}

int compel_inject(struct compel *victim, const struct compel_blob *blob,
	size_t data_size, struct compel_error *error)
{
	struct err err = {0};
	int code;

	if (victim->remote.code) {
		code = err_set(&err, EBUSY, "process %d has a blob already",
			victim->proc.pid);
		return compel_report(code, &err, error);
	}
	code = compel_prepare_code(victim, blob, &err);
	/* An interrupted sleep is to go on for the time left. */
	if (!code && !victim->thread.touched)
		code = remote_probe(&victim->remote, &victim->thread, &err);
	if (!code)
		code = remote_open(
			&victim->remote, data_size + COMPEL_STACK, &err);
	if (!code && blob->needs_write)
		code = compel_allow_write(victim, &err);
	if (code)
		compel_remove_all(victim, ERR_UNREAD);
	else
		victim->data_size = data_size;
	return compel_report(code, &err, error);
}

static int compel_check_range(
	const struct compel *victim, size_t at, size_t size, struct err *err)
{
	if (at <= victim->data_size && size <= victim->data_size - at)
		return 0;
	return err_set(err, ERANGE,
		"%zu bytes at %zu do not lie in the %zu bytes of data in "
		"process %d",
		size, at, victim->data_size, victim->proc.pid);
}

int compel_write(struct compel *victim, size_t at, const void *from,
	size_t size, struct compel_error *error)
{
	struct err err = {0};
	int code;

	code = compel_check_range(victim, at, size, &err)
		       ?: memory_write(&victim->memory,
				  victim->remote.data + at, from, size, &err);
	return compel_report(code, &err, error);
}

int compel_read(struct compel *victim, size_t at, void *to, size_t size,
	struct compel_error *error)
{
	struct err err = {0};
	int code;

	code = compel_check_range(victim, at, size, &err)
		       ?: memory_read(&victim->memory, victim->remote.data + at,
				  to, size, &err);
	return compel_report(code, &err, error);
}

uint64_t compel_data_address(const struct compel *victim)
{
	return victim->remote.data;
}

uint64_t compel_code_address(const struct compel *victim)
{
	return victim->remote.code;
}

/* A blocked fault would cost the victim its handler: the kernel forces the
 * default action on it. What is not blocked comes to us and no further. */
static uint64_t compel_signal_mask(void)
{
	static const int open[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL};
	uint64_t mask = ~0ull;

	for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++)
		mask &= ~(1ull << (open[i] - 1));
	return mask;
}

void compel_limit(struct compel *victim, int milliseconds)
{
	victim->patience.timeout_ms = milliseconds;
}

static int compel_wait(struct compel *victim, struct err *err)
{
	struct remote_thread *thread = &victim->thread;
	int code;

	thread->running = true;
	thread->patience = &victim->patience;
	code = remote_wait_trap(thread, err);
	thread->patience = NULL;
	if (code && !remote_interrupt(thread, ERR_UNREAD))
		remote_halt(thread, ERR_UNREAD);
	return code;
}

static int compel_enter(struct compel *victim, struct err *err)
{
	const struct backend *be = &victim->be;
	const struct remote *remote = &victim->remote;
	pid_t tid = victim->thread.tid;
	char gpr[COMPEL_GPR_ROOM];
	size_t size = victim->regs.set[0].size;

	memcpy(gpr, victim->regs.set[0].bytes, size);
	be->call(gpr, remote->code + victim->landing,
		remote->data + remote->data_size - 256, remote->data);
	return ptrace_sigmask_set(tid, compel_signal_mask(), err)
			?: ptrace_regset_set(
				   tid, be->regsets[0].note, gpr, size, err)
			?: ptrace_cont(tid, 0, err)
			?: compel_wait(victim, err);
}

static int compel_leave(
	struct compel *victim, int64_t *ret_result, struct err *err)
{
	const struct backend *be = &victim->be;
	char gpr[COMPEL_GPR_ROOM];
	size_t size = sizeof(gpr);
	uint64_t pc;
	int code;

	code = ptrace_regset_get(
		victim->thread.tid, be->regsets[0].note, gpr, &size, err);
	if (code)
		return code;
	pc = be->reg_get(gpr, REG_PC) - be->trap_pc_after - victim->remote.code;
	if (pc != victim->landing + victim->trap)
		return err_set(err, EFAULT,
			"it trapped at offset 0x%llx instead of returning",
			(unsigned long long)pc);
	*ret_result = (int64_t)be->reg_get(gpr, REG_RET);
	return 0;
}

int compel_run(
	struct compel *victim, int64_t *ret_result, struct compel_error *error)
{
	struct err err = {0};
	int64_t result = 0;
	int code;

	if (!victim->remote.code)
		code = err_set(&err, ENOEXEC, "nothing was injected");
	else
		code = compel_enter(victim, &err)
			       ?: compel_leave(victim, &result, &err);
	if (code)
		err_wrap(&err, "running the blob in process %d",
			victim->proc.pid);
	else if (ret_result)
		*ret_result = result;
	return compel_report(code, &err, error);
}

int compel_remove(struct compel *victim, struct compel_error *error)
{
	struct err err = {0};

	return compel_report(compel_remove_all(victim, &err), &err, error);
}

/* A trap takes an ignored SIGTRAP for a blocked one and sets it to its
 * default. struct sigaction as the kernel has it: the handler comes first,
 * and all zeros behind SIG_IGN are right on every machine. */
static int compel_ignore_trap(struct compel *victim, struct err *err)
{
	uint64_t action[4] = {(uint64_t)(uintptr_t)SIG_IGN};
	uint64_t args[6] = {SIGTRAP, victim->remote.data, 0, 8};

	return memory_write(&victim->memory, victim->remote.data, action,
		       sizeof(action), err)
		       ?: compel_call(victim, CALL_rt_sigaction, args, err);
}

int compel_close(struct compel *victim, struct compel_error *error)
{
	pid_t pid = victim->proc.pid;
	struct err err = {0}, second = {0};
	int code = 0, also;

	if (victim->trap_ignored && victim->remote.data)
		code = compel_ignore_trap(victim, &err);
	also = compel_remove_all(victim, code ? &second : &err);
	code = code ?: also;
	also = remote_cure(&victim->be, &victim->thread, code ? &second : &err);
	code = code ?: also;
	also = compel_release(victim, code ? &second : &err);
	code = code ?: also;
	if (code)
		err_wrap(&err, "letting process %d go", pid);
	return compel_report(code, &err, error);
}
