/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ptrace.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/ending.h"
#include "base/vec.h"
#include "kernel/proc.h"

/* The kernel's ABI, for C libraries that know less than the kernel does. */
enum {
	ASK_SECCOMP_GET_FILTER = 0x420c,   /* 4.4 */
	ASK_SECCOMP_GET_METADATA = 0x420d, /* 4.16 */
	ASK_GET_SYSCALL_INFO = 0x420e,	   /* 5.3 */
	ASK_GET_RSEQ = 0x420f,		   /* 5.13 */
	ASK_SET_DISPATCH = 0x4210,	   /* 6.4 */
	ASK_GET_DISPATCH = 0x4211,
	STOP_EVENT = 128, /* PTRACE_EVENT_STOP */
};

struct peeksiginfo_args {
	uint64_t off;
	uint32_t flags; /* 1: those of the process */
	int32_t nr;
};

struct seccomp_metadata_args {
	uint64_t index, flags;
};

struct rseq_args {
	uint64_t addr;
	uint32_t size, signature, flags, pad;
};

struct syscall_info {
	uint8_t op, pad[3];
	uint32_t arch;
	uint64_t pc, sp;
	union {
		struct {
			uint64_t nr, args[6];
			uint32_t ret_data; /* seccomp only */
		} entry;
		struct {
			int64_t result;
			uint8_t is_error;
		} exit;
	};
};

/* addr and data mean something else in every request. */
static long ptrace_ask(int request, pid_t tid, uintptr_t addr, const void *data)
{
	return syscall(SYS_ptrace, (long)request, (long)tid, addr, data);
}

static long ptrace_ask_number(
	int request, pid_t tid, uintptr_t addr, uintptr_t data)
{
	return syscall(SYS_ptrace, (long)request, (long)tid, addr, data);
}

static int ptrace_explain_refusal(pid_t tid, struct err *err)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	struct proc_status status;

	if (!proc_open(tid, &proc, ERR_UNREAD) &&
		!proc_status_read(arena, &proc, 0, &status, ERR_UNREAD) &&
		status.tracer_pid)
		return err_hint(err,
			"process %d traces it already (a debugger, strace or "
			"another checkpoint); end that first",
			status.tracer_pid);
	return err_hint(err, "run as root, or with CAP_SYS_PTRACE and "
			     "CAP_CHECKPOINT_RESTORE");
}

int ptrace_seize(pid_t tid, unsigned long options, struct err *err)
{
	if (!ptrace_ask_number(PTRACE_SEIZE, tid, 0, options))
		return 0;
	err_errno(err, "seizing thread %d", tid);
	if (errno != EPERM)
		return -errno;
	ptrace_explain_refusal(tid, err);
	return -EPERM;
}

int ptrace_options_set(pid_t tid, unsigned long options, struct err *err)
{
	if (ptrace_ask_number(PTRACE_SETOPTIONS, tid, 0, options))
		return err_errno(err, "setting how thread %d is traced", tid);
	return 0;
}

int ptrace_interrupt(pid_t tid, struct err *err)
{
	if (ptrace_ask(PTRACE_INTERRUPT, tid, 0, NULL))
		return err_errno(err, "interrupting thread %d", tid);
	return 0;
}

static int ptrace_go(
	int request, pid_t tid, int sig, const char *what, struct err *err)
{
	char label[SIGNAL_LABEL];

	if (!ptrace_ask_number(request, tid, 0, (uintptr_t)sig))
		return 0;
	if (sig)
		return err_errno(err, "%s thread %d with %s", what, tid,
			signal_label(sig, label));
	return err_errno(err, "%s thread %d", what, tid);
}

int ptrace_cont(pid_t tid, int sig, struct err *err)
{
	return ptrace_go(PTRACE_CONT, tid, sig, "continuing", err);
}

int ptrace_syscall(pid_t tid, int sig, struct err *err)
{
	return ptrace_go(PTRACE_SYSCALL, tid, sig,
		"continuing to the next system call of", err);
}

int ptrace_step(pid_t tid, int sig, struct err *err)
{
	return ptrace_go(PTRACE_SINGLESTEP, tid, sig, "stepping", err);
}

int ptrace_listen(pid_t tid, struct err *err)
{
	return ptrace_go(PTRACE_LISTEN, tid, 0, "leaving stopped", err);
}

int ptrace_detach(pid_t tid, int sig, struct err *err)
{
	return ptrace_go(PTRACE_DETACH, tid, sig, "detaching from", err);
}

/* wait() gave a status: is it a stop? */
static int ptrace_judge_stop(
	pid_t tid, int status, int *ret_status, struct err *err)
{
	char label[ENDING_LABEL];

	if (WIFEXITED(status))
		return err_set(err, ESRCH,
			"thread %d ended with exit code %d instead of stopping",
			tid, WEXITSTATUS(status));
	if (WIFSIGNALED(status))
		return err_set(err, ESRCH,
			"thread %d was killed by %s instead of stopping", tid,
			ending_label(status, label));
	*ret_status = status;
	return 0;
}

static int64_t elapsed_ns(
	const struct timespec *from, const struct timespec *to)
{
	return (to->tv_sec - from->tv_sec) * 1000000000ll + to->tv_nsec -
	       from->tv_nsec;
}

/* Until something may have stopped, or a while. Whoever blocks SIGCHLD is told
 * at once, and sleeps; others look often at first, as most stop soon. */
static void stop_sleep(int64_t spent_ns, int64_t left_ns)
{
	enum { NAP_NS = 1000 * 1000, LOOK_NS = 20 * NAP_NS, BUSY_NS = 200000 };
	int64_t most = left_ns < LOOK_NS ? left_ns : LOOK_NS;
	struct timespec nap = {.tv_nsec = most};
	sigset_t set, blocked;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (!sigprocmask(SIG_BLOCK, NULL, &blocked) &&
		sigismember(&blocked, SIGCHLD)) {
		sigtimedwait(&set, NULL, &nap);
	} else if (spent_ns < BUSY_NS) {
		sched_yield();
	} else {
		nap.tv_nsec = spent_ns / 8 < NAP_NS ? spent_ns / 8 : NAP_NS;
		nanosleep(&nap, NULL);
	}
}

/* The next that wait() tells of it, within a time. what: as "did not". */
static int news_await(pid_t tid, const char *what, int timeout_ms,
	int *ret_status, struct err *err)
{
	int64_t timeout = timeout_ms * 1000000ll, spent;
	struct timespec now, start;
	pid_t got;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		got = waitpid(tid, ret_status, __WALL | WNOHANG);
		if (got > 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return err_errno(
				err, "waiting for thread %d to %s", tid, what);
		clock_gettime(CLOCK_MONOTONIC, &now);
		spent = elapsed_ns(&start, &now);
		if (spent >= timeout)
			return err_set(err, ETIMEDOUT,
				"thread %d did not %s within %d ms", tid, what,
				timeout_ms);
		stop_sleep(spent, timeout - spent);
	}
}

int ptrace_wait_stop_for(
	pid_t tid, int timeout_ms, int *ret_status, struct err *err)
{
	int status, code = news_await(tid, "stop", timeout_ms, &status, err);

	return code ?: ptrace_judge_stop(tid, status, ret_status, err);
}

int ptrace_wait_end_for(pid_t tid, int timeout_ms, struct err *err)
{
	int status, code;

	do
		code = news_await(tid, "end", timeout_ms, &status, err);
	while (!code && WIFSTOPPED(status));
	return code;
}

int ptrace_wait_patiently(pid_t tid, const struct patience *patience,
	int *ret_status, struct err *err)
{
	enum { LOOK_MS = 100 };
	struct timespec start, now;
	struct err told = {0};
	int code;

	if (!patience)
		return ptrace_wait_stop_for(
			tid, PTRACE_PATIENCE_MS, ret_status, err);
	clock_gettime(CLOCK_MONOTONIC, &start);
	now = start;
	while (!patience->timeout_ms ||
		elapsed_ns(&start, &now) < patience->timeout_ms * 1000000ll) {
		code = ptrace_wait_stop_for(tid, LOOK_MS, ret_status, &told);
		if (!code)
			return 0;
		if (code != -ETIMEDOUT)
			return err_copy(err, &told);
		code = patience->look ? patience->look(patience->of, err) : 0;
		if (code)
			return code;
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
	return err_set(err, ETIMEDOUT,
		"thread %d did not come back within %d ms", tid,
		patience->timeout_ms);
}

/* A signal that comes first takes the place of our stop, so the interrupt
 * must be repeated; other events only pass by. */
int ptrace_wait_interrupted_for(
	pid_t tid, int timeout_ms, int *ret_signal, struct err *err)
{
	int status, sig, event, r;

	for (;;) {
		r = ptrace_wait_stop_for(tid, timeout_ms, &status, err);
		if (r)
			return r;
		sig = WSTOPSIG(status);
		event = status >> 16;
		if (event == STOP_EVENT) {
			*ret_signal = sig;
			return 0;
		}
		if (event || sig == (SIGTRAP | 0x80))
			sig = 0;
		r = ptrace_interrupt(tid, err);
		if (!r)
			r = ptrace_cont(tid, sig, err);
		if (r)
			return r;
	}
}

int ptrace_wait_interrupted(pid_t tid, int *ret_signal, struct err *err)
{
	return ptrace_wait_interrupted_for(
		tid, PTRACE_PATIENCE_MS, ret_signal, err);
}

int ptrace_regset_get(
	pid_t tid, uint32_t note, void *buf, size_t *size, struct err *err)
{
	struct iovec iov = {.iov_base = buf, .iov_len = *size};

	if (ptrace_ask(PTRACE_GETREGSET, tid, note, &iov)) {
		if (errno == EINVAL || errno == ENODEV || errno == EIO)
			return -errno;
		return err_errno(err, "reading registers of thread %d", tid);
	}
	*size = iov.iov_len;
	return 0;
}

int ptrace_regset_set(
	pid_t tid, uint32_t note, const void *buf, size_t size, struct err *err)
{
	struct iovec iov = {
		.iov_base = (void *)(uintptr_t)buf, .iov_len = size};

	if (ptrace_ask(PTRACE_SETREGSET, tid, note, &iov))
		return err_errno(err,
			"placing %zu bytes of registers of thread %d", size,
			tid);
	return 0;
}

int ptrace_sigmask_get(pid_t tid, uint64_t *ret, struct err *err)
{
	uint64_t mask = 0;

	if (ptrace_ask(PTRACE_GETSIGMASK, tid, sizeof(mask), &mask))
		return err_errno(
			err, "reading the signal mask of thread %d", tid);
	*ret = mask;
	return 0;
}

int ptrace_sigmask_set(pid_t tid, uint64_t mask, struct err *err)
{
	if (ptrace_ask(PTRACE_SETSIGMASK, tid, sizeof(mask), &mask))
		return err_errno(
			err, "setting the signal mask of thread %d", tid);
	return 0;
}

int ptrace_siginfo_get(pid_t tid, struct ptrace_siginfo *ret, struct err *err)
{
	struct ptrace_siginfo info = {0};

	if (ptrace_ask(PTRACE_GETSIGINFO, tid, 0, &info))
		return err_errno(
			err, "reading why thread %d stopped (siginfo)", tid);
	*ret = info;
	return 0;
}

int ptrace_siginfo_set(
	pid_t tid, const struct ptrace_siginfo *info, struct err *err)
{
	if (ptrace_ask(PTRACE_SETSIGINFO, tid, 0, info))
		return err_errno(err, "setting the siginfo of thread %d", tid);
	return 0;
}

int ptrace_peeksiginfo(struct arena *arena, pid_t tid, bool shared,
	struct ptrace_siginfo **ret, size_t *ret_n, struct err *err)
{
	enum { BATCH = 32 };
	struct ptrace_siginfo batch[BATCH];
	struct {
		struct ptrace_siginfo *at;
		size_t n, room;
	} infos = {0};
	struct peeksiginfo_args args = {.flags = shared, .nr = BATCH};
	long n;

	for (;;) {
		n = ptrace_ask(
			PTRACE_PEEKSIGINFO, tid, (uintptr_t)&args, batch);
		if (n < 0)
			return err_errno(err,
				"reading the waiting signals of thread %d",
				tid);
		for (long i = 0; i < n; i++)
			*vec_push(arena, &infos) = batch[i];
		if (n < BATCH)
			break;
		args.off += (uint64_t)n;
	}
	*ret = infos.at;
	*ret_n = infos.n;
	return 0;
}

int ptrace_rseq_get(pid_t tid, struct ptrace_rseq *ret, struct err *err)
{
	struct rseq_args args = {0};

	if (ptrace_ask(ASK_GET_RSEQ, tid, sizeof(args), &args) < 0)
		return err_errno(
			err, "reading the rseq registration of thread %d", tid);
	*ret = (struct ptrace_rseq){
		.addr = args.addr,
		.size = args.size,
		.signature = args.signature,
		.flags = args.flags,
	};
	return 0;
}

int ptrace_dispatch_get(pid_t tid, struct ptrace_dispatch *ret, struct err *err)
{
	struct ptrace_dispatch dispatch = {0};

	if (ptrace_ask(ASK_GET_DISPATCH, tid, sizeof(dispatch), &dispatch) < 0)
		return err_errno(err,
			"reading the dispatch of system calls of thread %d",
			tid);
	*ret = dispatch;
	return 0;
}

int ptrace_dispatch_set(
	pid_t tid, const struct ptrace_dispatch *dispatch, struct err *err)
{
	struct ptrace_dispatch copy = *dispatch;

	if (ptrace_ask(ASK_SET_DISPATCH, tid, sizeof(copy), &copy) < 0)
		return err_errno(err,
			"setting the dispatch of system calls of thread %d",
			tid);
	return 0;
}

int ptrace_seccomp_filter_get(struct arena *arena, pid_t tid, unsigned index,
	struct sock_filter **ret, size_t *ret_n, uint64_t *ret_flags,
	struct err *err)
{
	struct seccomp_metadata_args meta = {.index = index};
	struct sock_filter *insns;
	long n;

	n = ptrace_ask(ASK_SECCOMP_GET_FILTER, tid, index, NULL);
	if (n < 0)
		return err_errno(err, "sizing seccomp filter %u of thread %d",
			index, tid);
	insns = arena_newn(arena, struct sock_filter, n);
	n = ptrace_ask(ASK_SECCOMP_GET_FILTER, tid, index, insns);
	if (n < 0)
		return err_errno(err, "reading seccomp filter %u of thread %d",
			index, tid);
	/* EIO, EINVAL: a kernel before 4.16 that has no such request. */
	if (ptrace_ask(ASK_SECCOMP_GET_METADATA, tid, sizeof(meta), &meta) <
			0 &&
		errno != EIO && errno != EINVAL)
		return err_errno(err,
			"reading the flags of seccomp filter %u of thread %d",
			index, tid);
	*ret = insns;
	*ret_n = (size_t)n;
	*ret_flags = meta.flags;
	return 0;
}

int ptrace_call_get(pid_t tid, struct ptrace_call *ret, struct err *err)
{
	struct syscall_info info = {0};
	struct ptrace_call call = {0};

	if (ptrace_ask(ASK_GET_SYSCALL_INFO, tid, sizeof(info), &info) < 0)
		return err_errno(
			err, "asking for the system call of thread %d", tid);
	if (info.op > PTRACE_CALL_SECCOMP)
		return err_set(err, EPROTO,
			"thread %d is in a system call in an unknown way (%u)",
			tid, info.op);
	call.at = (enum ptrace_call_at)info.op;
	call.pc = info.pc;
	call.sp = info.sp;
	if (call.at == PTRACE_CALL_EXIT) {
		call.result = info.exit.result;
	} else if (call.at != PTRACE_CALL_NONE) {
		call.nr = info.entry.nr;
		memcpy(call.args, info.entry.args, sizeof(call.args));
	}
	*ret = call;
	return 0;
}

int ptrace_robust_list_get(
	pid_t tid, uint64_t *ret_head, uint64_t *ret_size, struct err *err)
{
	unsigned long head = 0, size = 0;

	if (syscall(SYS_get_robust_list, tid, &head, &size))
		return err_errno(
			err, "reading the robust list of thread %d", tid);
	*ret_head = head;
	*ret_size = size;
	return 0;
}

int ptrace_peek(pid_t tid, uint64_t addr, uint64_t *ret, struct err *err)
{
	unsigned long word = 0;

	/* The system call itself, unlike its wrapper, stores the word. */
	if (ptrace_ask(PTRACE_PEEKDATA, tid, addr, &word))
		return err_errno(err, "reading the word at %#llx of thread %d",
			(unsigned long long)addr, tid);
	*ret = word;
	return 0;
}

int ptrace_poke(pid_t tid, uint64_t addr, uint64_t word, struct err *err)
{
	if (ptrace_ask_number(PTRACE_POKEDATA, tid, addr, word))
		return err_errno(err, "writing the word at %#llx of thread %d",
			(unsigned long long)addr, tid);
	return 0;
}
