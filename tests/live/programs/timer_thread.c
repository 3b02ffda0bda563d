/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A timer that signals one thread (SIGEV_THREAD_ID) still reaches it. */
#include "checkpoint.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static volatile int thread_up, thread_go;

static void *body(void *arg)
{
	struct itimerspec soon = {.it_value = {0, 1000000}};
	siginfo_t info;
	sigset_t set;
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGUSR1,
		.sigev_value.sival_int = 99};
	int id;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	event.sigev_notify_thread_id = thread_tid();
	CHECK_SYS(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id));
	thread_up = 1;
	while (!thread_go)
		checkpoint_nap();
	CHECK_SYS(syscall(SYS_timer_settime, id, 0, &soon, NULL));
	CHECK_INT(sigtimedwait(&set, &info, &(struct timespec){3, 0}), SIGUSR1);
	CHECK_INT(info.si_value.sival_int, 99);
	return arg;
}

int main(void)
{
	pthread_t thread;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	thread = thread_start(body, NULL);
	while (!thread_up)
		checkpoint_nap();
	checkpoint_here();
	thread_go = 1;
	thread_join(thread);
	checkpoint_ok();
}
