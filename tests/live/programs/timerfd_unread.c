/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ticks of a timer that nobody has read are not lost, nor its rhythm. */
#include "checkpoint.h"
#include <sys/timerfd.h>

enum { TICK = 10 * 1000000, WAIT_TICKS = 80 };

static int timer_make(clockid_t clock, int flags)
{
	struct itimerspec when = {{0, TICK}, {0, TICK}};
	struct timespec now;
	int fd = (int)CHECK_SYS(timerfd_create(clock, TFD_NONBLOCK));

	if (flags & TFD_TIMER_ABSTIME) {
		CHECK_SYS(clock_gettime(clock, &now));
		when.it_value = now;
	}
	CHECK_SYS(timerfd_settime(fd, flags, &when, NULL));
	return fd;
}

static uint64_t ticks_read(int fd)
{
	uint64_t ticks = 0;

	CHECK_INT(read(fd, &ticks, sizeof(ticks)), sizeof(ticks));
	return ticks;
}

int main(void)
{
	struct timespec wait = {0, (long)TICK * WAIT_TICKS};
	struct itimerspec once = {{0, 0}, {0, TICK}}, left;
	int fds[3], fired;

	fds[0] = timer_make(CLOCK_MONOTONIC, 0);
	fds[1] = timer_make(CLOCK_MONOTONIC, TFD_TIMER_ABSTIME);
	fds[2] = timer_make(CLOCK_BOOTTIME, 0);
	fired = (int)CHECK_SYS(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	CHECK_SYS(timerfd_settime(fired, 0, &once, NULL));
	CHECK_SYS(nanosleep(&wait, NULL));
	checkpoint_here();
	for (size_t i = 0; i < COUNT_OF(fds); i++) {
		CHECK(ticks_read(fds[i]) >= WAIT_TICKS);
		CHECK_SYS(timerfd_gettime(fds[i], &left));
		CHECK_INT(left.it_interval.tv_nsec, TICK);
		CHECK(left.it_value.tv_nsec > 0);
		CHECK(left.it_value.tv_nsec <= TICK);
	}
	CHECK_INT(ticks_read(fired), 1);
	CHECK_SYS(timerfd_gettime(fired, &left));
	CHECK_INT(left.it_value.tv_nsec, 0);
	checkpoint_ok();
}
