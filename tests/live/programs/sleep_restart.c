/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An absolute sleep goes on to its end, a relative one may say EINTR. */
#include "checkpoint.h"

static volatile int sleepers_up;
static long long absolute_end, relative_end;
static int absolute_result, relative_result;

static void *absolute(void *arg)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 2;
	__sync_fetch_and_add(&sleepers_up, 1);
	absolute_result =
		clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL);
	clock_gettime(CLOCK_REALTIME, &until);
	absolute_end = until.tv_sec * 1000LL + until.tv_nsec / 1000000;
	return arg;
}

static void *relative(void *arg)
{
	__sync_fetch_and_add(&sleepers_up, 1);
	relative_result = nanosleep(&(struct timespec){.tv_sec = 2}, NULL);
	if (relative_result)
		relative_result = errno;
	relative_end = clock_ms();
	return arg;
}

int main(void)
{
	struct timespec now;
	long long wall, mono = clock_ms();
	pthread_t threads[2];

	clock_gettime(CLOCK_REALTIME, &now);
	wall = now.tv_sec * 1000LL + now.tv_nsec / 1000000;
	threads[0] = thread_start(absolute, NULL);
	threads[1] = thread_start(relative, NULL);
	while (sleepers_up != 2)
		checkpoint_nap();
	checkpoint_nap();
	checkpoint_here();
	thread_join(threads[0]);
	thread_join(threads[1]);
	CHECK_INT(absolute_result, 0);
	CHECK(absolute_end >= wall + 1990);
	CHECK(relative_result == 0 || relative_result == EINTR);
	if (relative_result == 0)
		CHECK(relative_end >= mono + 1990);
	checkpoint_ok();
}
