/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pending signals, private and shared, stay with their siginfo. */
#include "checkpoint.h"

static volatile int thread_up, thread_go;

static void pending_read(pid_t tid, char ret[2][64])
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	file_line(path, "SigPnd:", ret[0], 64);
	file_line(path, "ShdPnd:", ret[1], 64);
}

static void pending_take(const sigset_t *set, int number, int code, int value)
{
	siginfo_t info;
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, number);
	CHECK(sigismember(set, number));
	/* The C library would show SI_TKILL as SI_USER. */
	CHECK_INT(syscall(SYS_rt_sigtimedwait, &one, &info,
			  &(struct timespec){0, 0}, 8),
		number);
	CHECK_INT(info.si_code, code);
	CHECK_INT(info.si_pid, getpid());
	CHECK_INT(info.si_uid, getuid());
	if (code == SI_QUEUE)
		CHECK_INT(info.si_value.sival_int, value);
}

static void *body(void *arg)
{
	char before[2][64], after[2][64];
	sigset_t *set = arg;

	syscall(SYS_tgkill, getpid(), thread_tid(), SIGHUP);
	pthread_sigqueue(
		pthread_self(), SIGRTMIN + 1, (union sigval){.sival_int = 71});
	pending_read(thread_tid(), before);
	thread_up = 1;
	while (!thread_go)
		checkpoint_nap();
	pending_read(thread_tid(), after);
	CHECK_STR(after[0], before[0]);
	pending_take(set, SIGHUP, SI_TKILL, 0);
	pending_take(set, SIGRTMIN + 1, SI_QUEUE, 71);
	return NULL;
}

int main(void)
{
	char before[2][64], after[2][64];
	pthread_t thread;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGRTMIN + 2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	thread = thread_start(body, &set);
	while (!thread_up)
		checkpoint_nap();
	kill(getpid(), SIGUSR1);
	sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 72});
	pthread_sigqueue(
		pthread_self(), SIGRTMIN + 2, (union sigval){.sival_int = 73});
	pending_read(getpid(), before);
	checkpoint_here();
	pending_read(getpid(), after);
	CHECK_STR(after[0], before[0]);
	CHECK_STR(after[1], before[1]);
	pending_take(&set, SIGUSR1, SI_USER, 0);
	pending_take(&set, SIGUSR2, SI_QUEUE, 72);
	pending_take(&set, SIGRTMIN + 2, SI_QUEUE, 73);
	thread_go = 1;
	thread_join(thread);
	checkpoint_ok();
}
