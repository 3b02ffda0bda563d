/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads in calls with a time limit: a victim that lives on must neither see
 * them interrupted nor have them begin anew.
 */
#include "checkpoint.h"
#include <linux/futex.h>

static volatile int word, sleeping;
static long long limit_ms, late_ms;

/* A slow machine, as an emulated one, needs more time for a dump. */
static void limits_set(void)
{
	const char *slow = getenv("LIVE_SLOW");
	int factor = slow ? atoi(slow) : 1;

	limit_ms = 700 * factor;
	late_ms = 100 + 100 * factor;
}

static struct timespec limit_spec(void)
{
	return (struct timespec){limit_ms / 1000, limit_ms % 1000 * 1000000};
}

static long long sleep_begin(void)
{
	__sync_fetch_and_add(&sleeping, 1);
	return clock_ms();
}

static void sleep_verify(long long start, const char *what)
{
	long long took = clock_ms() - start;

	if (took < limit_ms - 2 || took > limit_ms + late_ms)
		FAIL("%s took %lld ms, not %lld", what, took, limit_ms);
}

static void *in_nanosleep(void *arg)
{
	struct timespec limit = limit_spec();
	long long start = sleep_begin();

	CHECK_SYS(nanosleep(&limit, NULL));
	sleep_verify(start, "nanosleep");
	return arg;
}

static void *in_poll(void *arg)
{
	long long start = sleep_begin();

	CHECK_INT(CHECK_SYS(poll(NULL, 0, (int)limit_ms)), 0);
#ifndef SYS_poll
	/* It is ppoll here, which the kernel itself makes again with the time
	 * that was left when it was frozen: the frozen time is on top. */
	late_ms = limit_ms;
#endif
	sleep_verify(start, "poll");
	return arg;
}

static void *in_futex(void *arg)
{
	struct timespec limit = limit_spec();
	long long start = sleep_begin();

	CHECK_INT(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &limit, NULL,
			  0),
		-1);
	CHECK_INT(errno, ETIMEDOUT);
	sleep_verify(start, "futex");
	return arg;
}

int main(void)
{
	pthread_t threads[3];

	limits_set();
	threads[0] = thread_start(in_nanosleep, NULL);
	threads[1] = thread_start(in_poll, NULL);
	threads[2] = thread_start(in_futex, NULL);

	while (sleeping != 3)
		sched_yield();
	checkpoint_mark("ready");
	for (int i = 0; i < 3; i++)
		thread_join(threads[i]);
	checkpoint_ok();
}
