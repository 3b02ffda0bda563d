/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * remote: system calls made in another process, and the way back.
 *
 * All threads of the process must be ptrace-stopped by us. Calls go through
 * the vdso's own system call instruction (nothing is ever poked into the
 * victim's code) until code of ours is mapped. The caller puts registers and
 * signal masks back with remote_cure, whatever happened; then the process is
 * as it was. inject/stay.h is the agent's own stay.
 *
 * Meanwhile every signal but TRAP is blocked, and system calls are the
 * kernel's, even if the thread has them dispatched to itself. A stop signal
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
	const struct patience
		*patience; /* for every stop; NULL: some seconds */
	bool running;	   /* was let go, and has not been seen to stop */
	bool filtered;	   /* by seccomp */
	struct regs back;  /* what cure places, made by remote_ready */
	bool resumed;	   /* back lets an interrupted sleep go on */
	uint64_t sp;	   /* its stack in a stay; 0: its own */
};

enum { REMOTE_LIMITS = 3 };

struct remote {
	const struct backend *be;
	struct memory memory;
	struct remote_thread *leader;
	uint64_t syscall_at; /* a system call instruction of the process */
	uint64_t code, data; /* mapped there; 0: not */
	size_t code_size, data_size;
	struct stay *stay; /* the agent's; NULL: it is not there yet */
	/* Of memory, as they were, where the process raised them (lift.h). */
	struct rlimit limits[REMOTE_LIMITS];
	bool lifted[REMOTE_LIMITS];
};

/* PTRACE_SEIZE with what injection needs, seccomp suspended where we may
 * (CAP_SYS_ADMIN; a thread without filters needs no suspending). more:
 * further PTRACE_O_*. */
int remote_seize(pid_t tid, unsigned long more, struct err *err);

/* Keeps all that the cure of a stopped thread needs; before anything else is
 * made of it. */
void remote_ready(struct arena *arena, struct remote_thread *thread);

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
 * call, and skips that; then it is as it was. Before any other injection, after
 * remote_ready. */
int remote_probe(
	struct remote *remote, struct remote_thread *thread, struct err *err);

/* Maps be->agent, and data_size bytes behind it. */
int remote_open(struct remote *remote, size_t data_size, struct err *err);
int remote_close(struct remote *remote, struct err *err);
/* One mapping that can be executed and not written. */
int remote_map(
	struct remote *remote, size_t size, uint64_t *ret_at, struct err *err);

/* For -ENOMEM and -EAGAIN of a mapping. */
int remote_room_hint(struct err *err);

/* A copy of the registers as they were, to be changed and given to
 * remote_enter: these registers, then signals off, then it runs (syscall: to
 * the next stop of a system call). */
enum { REMOTE_GPR_ROOM = 1024 };
size_t remote_copy(
	const struct remote_thread *thread, char gpr[REMOTE_GPR_ROOM]);
int remote_enter(const struct backend *be, struct remote_thread *thread,
	const char *gpr, bool syscall, struct err *err);
/* On to the next stop of a system call; sig: delivered, 0: none. */
int remote_step(struct remote_thread *thread, int sig, struct err *err);

/* Stops a thread whose stop was not waited for, wherever it is: all are
 * interrupted, then each is waited for, for a second at most. -ETIMEDOUT: it is
 * in the kernel and stays there; nothing may be unmapped under it. */
int remote_interrupt(const struct remote_thread *thread, struct err *err);
int remote_halt(struct remote_thread *thread, struct err *err);

/* Registers and mask as they were (a sleep goes on for the time left). One in
 * a stay that is let go in the middle comes back by itself. */
int remote_cure(const struct backend *be, struct remote_thread *thread,
	struct err *err);

/* Waits until the thread ran into the agent's trap. */
int remote_wait_trap(struct remote_thread *thread, struct err *err);

#endif
