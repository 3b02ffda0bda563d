/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interval timers keep the time left and their interval, and fire. */
#include "checkpoint.h"
#include <sys/time.h>

static volatile int alarms;

static void handler(int number)
{
	(void)number;
	alarms++;
}

static void timer_set(int which, int seconds)
{
	struct itimerval value = {{7, 1000 * which}, {seconds, 0}};

	CHECK_SYS(setitimer(which, &value, NULL));
}

static void timer_verify(int which, int seconds)
{
	struct itimerval got;

	CHECK_SYS(getitimer(which, &got));
	CHECK_INT(got.it_interval.tv_sec, 7);
	CHECK(got.it_interval.tv_usec / 10000 == which / 10);
	CHECK(got.it_value.tv_sec <= seconds);
	CHECK(got.it_value.tv_sec > seconds - 30);
}

int main(void)
{
	struct itimerval soon = {{0, 50000}, {0, 50000}};

	timer_set(ITIMER_REAL, 3600);
	timer_set(ITIMER_VIRTUAL, 1800);
	timer_set(ITIMER_PROF, 900);
	signal(SIGALRM, handler);
	checkpoint_here();
	timer_verify(ITIMER_REAL, 3600);
	timer_verify(ITIMER_VIRTUAL, 1800);
	timer_verify(ITIMER_PROF, 900);
	CHECK_INT(alarms, 0);
	CHECK_SYS(setitimer(ITIMER_REAL, &soon, NULL));
	while (alarms < 2)
		checkpoint_nap();
	checkpoint_ok();
}
