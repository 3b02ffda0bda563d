/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/ptrace.h"

#include <elf.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "test.h"

/* Seized and stopped; ends with the child's scope. */
static void stop(pid_t pid, unsigned long options)
{
	struct err err = {0};
	int sig = 0;

	CHECK_INT(ptrace_seize(pid, options, &err), 0);
	CHECK_INT(ptrace_interrupt(pid, &err), 0);
	CHECK_INT(ptrace_wait_interrupted(pid, &sig, &err), 0);
	CHECK_INT(sig, SIGTRAP);
	CHECK_STR(err.text, "");
}

TEST(a_seized_thread_stops_and_runs_on)
{
	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
	int status = 0;

	stop(pid, 0);
	CHECK_INT(ptrace_detach(pid, 0, ERR_UNREAD), 0);
	CHECK_INT(kill(pid, 0), 0);
	CHECK_INT(waitpid(pid, &status, WNOHANG), 0);
	CHECK_INT(ptrace_cont(pid, 0, ERR_UNREAD), -ESRCH);
}

TEST(who_traces_already_is_told)
{
	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
	struct err err = {0};

	stop(pid, 0);
	CHECK_INT(ptrace_seize(pid, 0, &err), -EPERM);
	CHECK(strstr(err.text, "seizing thread"));
	CHECK(strstr(err.hint, "traces it already"));
}

TEST(a_thread_that_is_not_there_cannot_be_seized)
{
	struct err err = {0};

	CHECK_INT(ptrace_seize(1 << 22 | 5, 0, &err), -ESRCH);
	CHECK_STR(err.text, "seizing thread 4194309: No such process");
	CHECK_STR(err.hint, "");
}

static void ignore(int sig)
{
	(void)sig;
}

static void catch_signals(int ready, void *arg)
{
	(void)arg;
	signal(SIGUSR1, ignore);
	child_sleep(ready, NULL);
}

TEST(a_signal_that_comes_before_our_stop_is_given_back)
{
	_cleanup_child_ pid_t pid = child_start(catch_signals, NULL);
	struct err err = {0};
	int status, sig;

	CHECK_INT(ptrace_seize(pid, 0, &err), 0);
	kill(pid, SIGUSR1);
	/* Let it stop for the signal first. */
	CHECK_INT(ptrace_wait_stop_for(pid, 5000, &status, &err), 0);
	CHECK_INT(status >> 8, SIGUSR1);
	CHECK_INT(ptrace_interrupt(pid, &err), 0);
	CHECK_INT(ptrace_cont(pid, SIGUSR1, &err), 0);
	CHECK_INT(ptrace_wait_interrupted(pid, &sig, &err), 0);
	CHECK_INT(sig, SIGTRAP);
	kill(pid, SIGUSR1);
	CHECK_INT(ptrace_cont(pid, 0, &err), 0);
	CHECK_INT(ptrace_wait_interrupted(pid, &sig, &err), 0);
	CHECK_INT(sig, SIGTRAP);
	CHECK_STR(err.text, "");
}

TEST(a_stopped_thread_is_known_by_its_stop_signal)
{
	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
	int sig = 0, status;

	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	CHECK_INT(ptrace_seize(pid, 0, ERR_UNREAD), 0);
	CHECK_INT(ptrace_interrupt(pid, ERR_UNREAD), 0);
	CHECK_INT(ptrace_wait_interrupted(pid, &sig, ERR_UNREAD), 0);
	CHECK_INT(sig, SIGSTOP);
}

TEST(who_does_not_die_is_waited_for_a_time_only)
{
	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
	struct err err = {0};

	stop(pid, 0);
	CHECK_INT(ptrace_wait_end_for(pid, 50, &err), -ETIMEDOUT);
	CHECK(strstr(err.text, "did not end within 50 ms"));
	CHECK_INT(ptrace_cont(pid, 0, ERR_UNREAD), 0);
	/* A stop that comes first is no end. */
	kill(pid, SIGUSR1);
	CHECK_INT(ptrace_wait_end_for(pid, 50, &err), -ETIMEDOUT);
	kill(pid, SIGKILL);
	CHECK_INT(ptrace_wait_end_for(pid, 5000, &err), 0);
	CHECK_INT(ptrace_wait_end_for(pid, 5000, &err), -ECHILD);
	pid = 0;
}

TEST(a_thread_that_ends_instead_of_stopping_is_told)
{
	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
	struct err err = {0};
	int status = 77;

	CHECK_INT(ptrace_seize(pid, 0, ERR_UNREAD), 0);
	kill(pid, SIGKILL);
	CHECK_INT(ptrace_wait_stop_for(pid, 5000, &status, &err), -ESRCH);
	CHECK_INT(status, 77);
	CHECK(strstr(err.text,
		"was killed by signal 9 (SIGKILL) instead of stopping"));
}

TEST(waiting_ends_after_its_time)
{
	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
	struct err err = {0};
	int status;

	CHECK_INT(ptrace_seize(pid, 0, ERR_UNREAD), 0);
	CHECK_INT(ptrace_wait_stop_for(pid, 20, &status, &err), -ETIMEDOUT);
	CHECK(strstr(err.text, "did not stop within 20 ms"));
}

TEST(registers_are_read_and_put_back)
{
	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
	char set[1024], same[1024];
	size_t size = sizeof(set), again = sizeof(same);
	struct err err = {0};

	stop(pid, 0);
	CHECK_INT(ptrace_regset_get(pid, NT_PRSTATUS, set, &size, &err), 0);
	CHECK(size > 100 && size < sizeof(set));
	CHECK_INT(ptrace_regset_set(pid, NT_PRSTATUS, set, size, &err), 0);
	CHECK_INT(ptrace_regset_get(pid, NT_PRSTATUS, same, &again, &err), 0);
	CHECK_INT(again, size);
	CHECK_MEM(same, set, size);
	size = sizeof(set);
	CHECK_INT(ptrace_regset_get(pid, 0x7777, set, &size, &err), -EINVAL);
	CHECK_STR(err.text, "");
}

TEST(signal_masks_are_read_and_set)
{
	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
	uint64_t mask = 1;

	stop(pid, 0);
	CHECK_INT(ptrace_sigmask_get(pid, &mask, ERR_UNREAD), 0);
	CHECK_INT(mask, 0);
	CHECK_INT(ptrace_sigmask_set(pid, 1ull << 63 | 2, ERR_UNREAD), 0);
	CHECK_INT(ptrace_sigmask_get(pid, &mask, ERR_UNREAD), 0);
	CHECK(mask == (1ull << 63 | 2));
}

static void block_signals(int ready, void *arg)
{
	sigset_t set;

	(void)arg;
	sigemptyset(&set);
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
		sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
	child_sleep(ready, NULL);
}

TEST(waiting_signals_are_read_in_order_however_many)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_child_ pid_t pid = child_start(block_signals, NULL);
	struct ptrace_siginfo *infos;
	struct err err = {0};
	size_t n = 99;

	for (int i = 0; i < 100; i++) {
		union sigval value = {.sival_int = i};

		CHECK_INT(sigqueue(pid, SIGRTMIN + 1, value), 0);
	}
	stop(pid, 0);
	CHECK_INT(ptrace_peeksiginfo(arena, pid, true, &infos, &n, &err), 0);
	CHECK_INT(n, 100);
	for (size_t i = 0; i < n; i++) {
		siginfo_t info;

		memcpy(&info, infos[i].bytes, sizeof(infos[i]));
		CHECK_INT(info.si_signo, SIGRTMIN + 1);
		CHECK_INT(info.si_value.sival_int, i);
		CHECK_INT(info.si_pid, getpid());
	}
	CHECK_INT(ptrace_peeksiginfo(arena, pid, false, &infos, &n, &err), 0);
	CHECK_INT(n, 0);
	CHECK_STR(err.text, "");
}

TEST(siginfo_says_why_a_thread_stopped)
{
	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
	struct ptrace_siginfo raw;
	siginfo_t info;

	stop(pid, 0);
	CHECK_INT(ptrace_siginfo_get(pid, &raw, ERR_UNREAD), 0);
	memcpy(&info, &raw, sizeof(info));
	CHECK_INT(info.si_code >> 8, 128);
}

static void run_filters(int ready, void *arg)
{
	struct sock_filter first[] = {
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_filter second[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog one = {1, first}, two = {2, second};

	(void)arg;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &one) ||
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			SECCOMP_FILTER_FLAG_LOG, &two))
		_exit(1);
	child_sleep(ready, NULL);
}

TEST(seccomp_filters_are_read_one_by_one)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_child_ pid_t pid = child_start(run_filters, NULL);
	struct sock_filter *insns;
	struct err err = {0};
	uint64_t flags;
	size_t n;

	if (geteuid()) {
		test_skip("reading seccomp filters needs CAP_SYS_ADMIN");
		return;
	}
	stop(pid, PTRACE_O_SUSPEND_SECCOMP);
	CHECK_INT(ptrace_seccomp_filter_get(
			  arena, pid, 0, &insns, &n, &flags, &err),
		0);
	CHECK_STR(err.text, "");
	CHECK_INT(n, 1);
	CHECK_INT(flags, 0);
	CHECK_INT(insns[0].k, SECCOMP_RET_ALLOW);
	CHECK_INT(ptrace_seccomp_filter_get(
			  arena, pid, 1, &insns, &n, &flags, &err),
		0);
	CHECK_INT(n, 2);
	CHECK_INT(flags, SECCOMP_FILTER_FLAG_LOG);
	CHECK_INT(ptrace_seccomp_filter_get(
			  arena, pid, 2, &insns, &n, &flags, &err),
		-ENOENT);
}

static void call_often(int ready, void *arg)
{
	(void)arg;
	child_ready(ready);
	for (;;)
		syscall(SYS_tgkill, 1234567, 7654321, 64);
}

TEST(system_calls_are_seen_coming_and_going)
{
	_cleanup_child_ pid_t pid = child_start(call_often, NULL);
	struct ptrace_call call;
	struct err err = {0};
	bool entry = false, leave = false;
	int status = 0;

	stop(pid, PTRACE_O_TRACESYSGOOD);
	for (int i = 0; i < 4; i++) {
		CHECK_INT(ptrace_syscall(pid, 0, &err), 0);
		CHECK_INT(ptrace_wait_stop_for(
				  pid, PTRACE_PATIENCE_MS, &status, &err),
			0);
		CHECK_INT(status >> 8, SIGTRAP | 0x80);
		CHECK_INT(ptrace_call_get(pid, &call, &err), 0);
		CHECK(call.pc && call.sp);
		if (call.at == PTRACE_CALL_ENTRY) {
			entry = true;
			CHECK_INT(call.nr, SYS_tgkill);
			CHECK_INT(call.args[0], 1234567);
			CHECK_INT(call.args[1], 7654321);
		} else if (call.at == PTRACE_CALL_EXIT) {
			leave = true;
			CHECK_INT(call.result, -ESRCH);
		}
	}
	CHECK(entry && leave);
	CHECK_STR(err.text, "");
}

static uint64_t word = 0x1122334455667788;

TEST(words_and_lists_of_a_thread_are_read)
{
	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
	uint64_t got = 0, head = 0, size = 0;
	struct ptrace_rseq rseq;
	struct err err = {0};

	stop(pid, 0);
	CHECK_INT(ptrace_peek(pid, (uintptr_t)&word, &got, &err), 0);
	CHECK_INT(got, word);
	CHECK_INT(ptrace_poke(pid, (uintptr_t)&word, 5, &err), 0);
	CHECK_INT(ptrace_peek(pid, (uintptr_t)&word, &got, &err), 0);
	CHECK_INT(got, 5);
	CHECK(word != 5);
	CHECK_STR(err.text, "");
	CHECK_INT(ptrace_peek(pid, 8, &got, &err), -EIO);
	CHECK_INT(ptrace_robust_list_get(pid, &head, &size, ERR_UNREAD), 0);
	CHECK(head);
	CHECK_INT(size, 24);
	CHECK_INT(ptrace_rseq_get(pid, &rseq, ERR_UNREAD), 0);
	/* The C library registers it, with at least 32 bytes. */
	if (rseq.addr)
		CHECK(rseq.size >= 20);
}

TEST(the_dispatch_of_system_calls_is_told_and_set)
{
	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
	struct ptrace_dispatch want = {.mode = 1,
		.selector = (uintptr_t)&word,
		.offset = 8,
		.len = 16};
	struct ptrace_dispatch none = {0}, got = {.mode = 5};
	int r;

	stop(pid, 0);
	r = ptrace_dispatch_get(pid, &got, ERR_UNREAD);
	if (r == -EIO || r == -EINVAL) {
		test_skip("this kernel tells no tracer");
		return;
	}
	CHECK_INT(r, 0);
	CHECK_MEM(&got, &none, sizeof(got));
	CHECK_INT(ptrace_dispatch_set(pid, &want, ERR_UNREAD), 0);
	CHECK_INT(ptrace_dispatch_get(pid, &got, ERR_UNREAD), 0);
	CHECK_MEM(&got, &want, sizeof(got));
	CHECK_INT(ptrace_dispatch_set(pid, &none, ERR_UNREAD), 0);
	CHECK_INT(ptrace_dispatch_get(pid, &got, ERR_UNREAD), 0);
	CHECK_MEM(&got, &none, sizeof(got));
}
