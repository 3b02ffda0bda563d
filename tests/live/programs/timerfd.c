/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timerfds keep what is left, their interval and unread expirations. */
#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>

#include "checkpoint.h"

static int timer_set(clockid_t clock, int flags, struct itimerspec when)
{
	int fd = (int)CHECK_SYS(timerfd_create(clock, TFD_NONBLOCK));
	struct timespec now;

	if (flags & TFD_TIMER_ABSTIME) {
		CHECK_SYS(clock_gettime(clock, &now));
		when.it_value.tv_sec += now.tv_sec;
	}
	CHECK_SYS(timerfd_settime(fd, flags, &when, NULL));
	return fd;
}

static void left_check(int fd, time_t least, time_t most)
{
	struct itimerspec left;

	CHECK_SYS(timerfd_gettime(fd, &left));
	if (left.it_value.tv_sec < least || left.it_value.tv_sec > most)
		FAIL("%lld seconds are left, not %lld to %lld",
			(long long)left.it_value.tv_sec, (long long)least,
			(long long)most);
}

int main(void)
{
	struct itimerspec far = {{60, 0}, {600, 0}};
	struct itimerspec soon = {{0, 0}, {0, 1000}};
	struct itimerspec once = {{0, 0}, {9000, 0}}, got;
	int every = timer_set(CLOCK_MONOTONIC, 0, far);
	int fired = timer_set(CLOCK_MONOTONIC, 0, soon);
	int moment = timer_set(CLOCK_REALTIME, TFD_TIMER_ABSTIME, once);
	struct pollfd poller = {.fd = fired, .events = POLLIN};
	uint64_t ticks = 0;

	CHECK_INT(poll(&poller, 1, 1000), 1);
	checkpoint_here();
	left_check(every, 400, 600);
	left_check(moment, 7000, 9000);
	CHECK_SYS(timerfd_gettime(every, &got));
	CHECK_INT(got.it_interval.tv_sec, 60);
	CHECK(read(every, &ticks, 8) < 0 && errno == EAGAIN);
	CHECK_INT(read(fired, &ticks, 8), 8);
	CHECK_INT(ticks, 1);
	CHECK_SYS(timerfd_settime(every, 0, &soon, NULL));
	poller.fd = every;
	CHECK_INT(poll(&poller, 1, 1000), 1);
	checkpoint_ok();
}
