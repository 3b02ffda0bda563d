/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ptrace: what a tracer can ask of one stopped thread, one call each.
 *
 * Everything but seize, interrupt and the waits wants the thread stopped by
 * us; -ESRCH means that it is not, or not any more. Nothing here keeps
 * state. Siginfos are raw: 128 bytes as the kernel gives them. Errors name
 * the tid and what was asked.
 */
#ifndef STASIS_KERNEL_PTRACE_H
#define STASIS_KERNEL_PTRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

struct sock_filter;

enum { PTRACE_SIGINFO_SIZE = 128 };
struct ptrace_siginfo {
	uint8_t bytes[PTRACE_SIGINFO_SIZE];
} __attribute__((aligned(8)));

/* options: PTRACE_O_*. EPERM: already traced (said in the hint), or not ours
 * to trace. */
int ptrace_seize(pid_t tid, unsigned long options, struct err *err);
int ptrace_options_set(pid_t tid, unsigned long options, struct err *err);
int ptrace_interrupt(pid_t tid, struct err *err);
/* Run on; sig 0: none. */
int ptrace_cont(pid_t tid, int sig, struct err *err);
int ptrace_syscall(pid_t tid, int sig, struct err *err);
int ptrace_step(pid_t tid, int sig, struct err *err);
int ptrace_listen(pid_t tid, struct err *err);
int ptrace_detach(pid_t tid, int sig, struct err *err);

/* No wait for a thread is without an end; this is it where nobody chose. */
enum { PTRACE_PATIENCE_MS = 10000 };
/* Blocks until the thread stops; ret_status is wait()'s. The thread ended
 * instead: -ESRCH, with how in the text. It did not stop in time: -ETIMEDOUT.
 */
int ptrace_wait_stop_for(
	pid_t tid, int timeout_ms, int *ret_status, struct err *err);
/* How long a victim is waited for: timeout_ms (0: no limit), and as long as
 * look, which is asked some times a second, gives 0 (NULL: is not asked). */
struct patience {
	int timeout_ms;
	int (*look)(const void *of, struct err *err);
	const void *of;
};
/* Blocks until the thread stops or the patience ends: -ETIMEDOUT, or what look
 * gave; the thread runs on then. patience NULL: PTRACE_PATIENCE_MS. */
int ptrace_wait_patiently(pid_t tid, const struct patience *patience,
	int *ret_status, struct err *err);
/* After seize and interrupt: waits for our own stop and gives back signals
 * that came first. ret_signal: SIGTRAP, it ran; SIGSTOP, SIGTSTP, SIGTTIN,
 * SIGTTOU: it was stopped by job control and still is. */
int ptrace_wait_interrupted(pid_t tid, int *ret_signal, struct err *err);
/* With another end than PTRACE_PATIENCE_MS. */
int ptrace_wait_interrupted_for(
	pid_t tid, int timeout_ms, int *ret_signal, struct err *err);
/* Blocks until a thread that was killed is dead, and reaps it; one that sleeps
 * inside the kernel dies when it wakes up. -ETIMEDOUT: not yet; -ECHILD: it is
 * not ours, or was reaped already. */
int ptrace_wait_end_for(pid_t tid, int timeout_ms, struct err *err);

/* size: room before, bytes there after. -EINVAL, -ENODEV, -EIO: no such set
 * on this machine or thread; no text is wasted on these three. */
int ptrace_regset_get(
	pid_t tid, uint32_t note, void *buf, size_t *size, struct err *err);
int ptrace_regset_set(pid_t tid, uint32_t note, const void *buf, size_t size,
	struct err *err);

int ptrace_sigmask_get(pid_t tid, uint64_t *ret, struct err *err);
int ptrace_sigmask_set(pid_t tid, uint64_t mask, struct err *err);
int ptrace_siginfo_get(pid_t tid, struct ptrace_siginfo *ret, struct err *err);
int ptrace_siginfo_set(
	pid_t tid, const struct ptrace_siginfo *info, struct err *err);
/* Signals that wait: of the thread, or (shared) of the process. */
int ptrace_peeksiginfo(struct arena *arena, pid_t tid, bool shared,
	struct ptrace_siginfo **ret, size_t *ret_n, struct err *err);

/* addr 0: not registered. -EIO, -EINVAL: a kernel before 5.13. */
struct ptrace_rseq {
	uint64_t addr;
	uint32_t size, signature, flags;
};
int ptrace_rseq_get(pid_t tid, struct ptrace_rseq *ret, struct err *err);

/* Which system calls of a thread become SIGSYS (PR_SET_SYSCALL_USER_DISPATCH):
 * mode 0 none; else those that are made outside (1) or inside (2) of [offset,
 * offset + len), where the byte at selector says so. -EIO, -EINVAL: a kernel
 * before 6.4, or a machine without; such a thread cannot be asked. */
struct ptrace_dispatch {
	uint64_t mode, selector, offset, len;
};
int ptrace_dispatch_get(
	pid_t tid, struct ptrace_dispatch *ret, struct err *err);
int ptrace_dispatch_set(
	pid_t tid, const struct ptrace_dispatch *dispatch, struct err *err);

/* Filter number index, 0 the oldest; -ENOENT behind the last. ret_flags:
 * SECCOMP_FILTER_FLAG_LOG or 0 (0 before 4.14). Needs CAP_SYS_ADMIN. */
int ptrace_seccomp_filter_get(struct arena *arena, pid_t tid, unsigned index,
	struct sock_filter **ret, size_t *ret_n, uint64_t *ret_flags,
	struct err *err);

enum ptrace_call_at {
	PTRACE_CALL_NONE,
	PTRACE_CALL_ENTRY,
	PTRACE_CALL_EXIT,
	PTRACE_CALL_SECCOMP,
};
/* Where in a system call the thread stopped (5.3). */
struct ptrace_call {
	enum ptrace_call_at at;
	uint64_t pc, sp;
	uint64_t nr, args[6]; /* entry, seccomp */
	int64_t result;	      /* exit: value or -errno */
};
int ptrace_call_get(pid_t tid, struct ptrace_call *ret, struct err *err);

/* Not ptrace, but the same rights: head 0 when none is registered. */
int ptrace_robust_list_get(
	pid_t tid, uint64_t *ret_head, uint64_t *ret_size, struct err *err);

int ptrace_peek(pid_t tid, uint64_t addr, uint64_t *ret, struct err *err);
int ptrace_poke(pid_t tid, uint64_t addr, uint64_t word, struct err *err);

#endif
