/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POSIX timers keep their ids, with gaps, their time and their signal. */
#include "checkpoint.h"

#define COUNT 6

static int ids[COUNT];

static void timer_make(int at, clockid_t clock, int signal_number)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = signal_number,
		.sigev_value.sival_int = 500 + at};
	struct itimerspec value = {{3, 14 + at}, {1000 + at, 0}};

	CHECK_SYS(syscall(SYS_timer_create, clock, &event, &ids[at]));
	CHECK_SYS(syscall(SYS_timer_settime, ids[at], 0, &value, NULL));
}

static void timer_verify(int at)
{
	struct itimerspec got;

	CHECK_SYS(syscall(SYS_timer_gettime, ids[at], &got));
	CHECK_INT(got.it_interval.tv_sec, 3);
	CHECK_INT(got.it_interval.tv_nsec, 14 + at);
	CHECK(got.it_value.tv_sec <= 1000 + at);
	CHECK(got.it_value.tv_sec > 970 + at);
}

static void timer_fires(int at, int signal_number)
{
	struct itimerspec soon = {.it_value = {0, 1000000}};
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal_number);
	CHECK_SYS(syscall(SYS_timer_settime, ids[at], 0, &soon, NULL));
	CHECK_INT(sigtimedwait(&set, &info, &(struct timespec){3, 0}),
		signal_number);
	CHECK_INT(info.si_code, SI_TIMER);
	CHECK_INT(info.si_value.sival_int, 500 + at);
}

int main(void)
{
	struct itimerspec got;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 6);
	sigaddset(&set, SIGUSR2);
	CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
	for (int i = 0; i < COUNT; i++)
		timer_make(i, i % 2 ? CLOCK_MONOTONIC : CLOCK_REALTIME,
			i == 5 ? SIGUSR2 : SIGRTMIN + 6);
	CHECK_SYS(syscall(SYS_timer_delete, ids[1]));
	CHECK_SYS(syscall(SYS_timer_delete, ids[2]));
	CHECK_SYS(syscall(
		SYS_timer_settime, ids[4], 0, &(struct itimerspec){0}, NULL));
	checkpoint_here();
	timer_verify(0);
	timer_verify(3);
	timer_verify(5);
	CHECK_SYS(syscall(SYS_timer_gettime, ids[4], &got));
	CHECK_INT(got.it_value.tv_sec, 0);
	CHECK(syscall(SYS_timer_gettime, ids[1], &got) < 0);
	CHECK(syscall(SYS_timer_gettime, ids[2], &got) < 0);
	timer_fires(0, SIGRTMIN + 6);
	timer_fires(5, SIGUSR2);
	checkpoint_ok();
}
