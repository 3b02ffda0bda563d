/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * remote: the agent inside another process, and system calls made there.
 *
 * All threads of the process must be ptrace-stopped by us. remote_open maps
 * the agent through the vdso's own system call instruction (nothing is ever
 * poked into the victim's code), remote_play has threads play their tapes,
 * remote_close unmaps it. The caller puts registers and signal masks back
 * with remote_cure, whatever happened; then the process is as it was.
 *
 * While a tape plays every signal but TRAP is blocked, and system calls are
 * the kernel's, even if the thread has them dispatched to itself. A stop signal
 * that arrives nevertheless is held back and remembered in held.
 *
 * Whoever may write the victim's memory may have the agent never end. So every
 * wait has an end, too (patience); remote_halt stops what still runs then.
 */
#ifndef STASIS_INJECT_REMOTE_H
#define STASIS_INJECT_REMOTE_H

#include <stdbool.h>
#include <sys/resource.h>

#include "backend.h"
#include "inject/record.h"
#include "kernel/maps.h"
#include "kernel/memory.h"
#include "kernel/ptrace.h"

/* A stopped thread, with all that makes it go on as if nothing had been. */
struct remote_thread {
	pid_t tid;
	const struct regs *regs;    /* as they were at the stop */
	uint64_t sigmask;	    /* as it was */
	enum restart_class restart; /* RESTART_UNKNOWN: regs tell */
	bool touched;		    /* mask or registers are not as they were */
	struct ptrace_dispatch dispatch; /* of system calls, as it was */
	uint64_t args[6];		 /* of the call that it is to make */
	bool strayed;			 /* it made another one */
	uint64_t held; /* signals that came meanwhile, 1 << (sig-1) */
	const struct patience *patience; /* for every stop; NULL: for ever */
	bool running; /* was let go, and has not been seen to stop */
};

enum { REMOTE_LIMITS = 3 };

struct remote {
	const struct backend *be;
	struct memory memory;
	struct remote_thread *leader;
	uint64_t syscall_at; /* a system call instruction of the process */
	uint64_t code, data; /* mapped there; 0: not */
	size_t code_size, data_size;
	/* Of memory, as they were, where the process raised them (lift.h). */
	struct rlimit limits[REMOTE_LIMITS];
	bool lifted[REMOTE_LIMITS];
};

/* One thread's play: tape pressed at data + at, its stack's top there. */
struct remote_play {
	struct remote_thread *thread;
	const struct tape *tape;
	const void *block; /* out: the tape as played, in the arena */
};

/* PTRACE_SEIZE with what injection needs, seccomp suspended where we may
 * (CAP_SYS_ADMIN; a thread without filters needs no suspending). more:
 * further PTRACE_O_*. */
int remote_seize(pid_t tid, unsigned long more, struct err *err);

/* Where the process has a system call instruction: vdso first, then any
 * executable mapping. -ENOEXEC: nowhere. */
int remote_find_syscall(const struct backend *be, const struct memory *memory,
	const struct maps *maps, uint64_t *ret_at, struct err *err);

/* One system call in a stopped thread, through that instruction; leaves the
 * thread in the syscall-exit stop with changed registers. What the thread is
 * about to do is looked at in the kernel, and so is the result: whoever can
 * write its memory cannot answer for it (but can have it do something else:
 * -EPROTO). */
int remote_call(struct remote *remote, struct remote_thread *thread,
	enum call call, const uint64_t args[6], int64_t *ret_result,
	struct err *err);

/* The same in three parts, so that many processes can be on their way at the
 * same time: off to the call, into it, out of it. */
int remote_call_begin(struct remote *remote, struct remote_thread *thread,
	enum call call, const uint64_t args[6], struct err *err);
int remote_call_enter(struct remote *remote, struct remote_thread *thread,
	enum call call, struct err *err);
int remote_call_end(struct remote *remote, struct remote_thread *thread,
	enum call call, int64_t *ret_result, struct err *err);

/* Finds out whether a stopped thread is inside an interrupted sleep, where its
 * registers do not tell: lets it go as far as the entry of its next system
 * call, and skips that. Before any other injection. */
int remote_probe(
	struct remote *remote, struct remote_thread *thread, struct err *err);

/* data_size: room for tapes and stacks of all threads (remote_room). */
int remote_open(struct remote *remote, size_t data_size, struct err *err);
int remote_close(struct remote *remote, struct err *err);

size_t remote_room(const struct remote_play *plays, size_t n);
/* Every thread plays its tape, all at once; blocks are read back even when
 * one failed. */
int remote_play(struct arena *arena, struct remote *remote,
	struct remote_play *plays, size_t n, struct err *err);

/* Stops a thread whose stop was not waited for, wherever it is: all are
 * interrupted, then each is waited for, for a second at most. -ETIMEDOUT: it is
 * in the kernel and stays there; nothing may be unmapped under it. */
int remote_interrupt(const struct remote_thread *thread, struct err *err);
int remote_halt(struct remote_thread *thread, struct err *err);

/* Registers and mask as they were (a sleep goes on for the time left). */
int remote_cure(struct arena *arena, const struct backend *be,
	struct remote_thread *thread, struct err *err);

/* Waits until the thread ran into the agent's trap. */
int remote_wait_trap(struct remote_thread *thread, struct err *err);

#endif
