/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads in calls with a time limit: a victim that lives on must neither see
 * them interrupted nor have them begin anew.
 */
#include "checkpoint.h"
#include <linux/futex.h>

#define LIMIT_MS 700

static volatile int word, sleeping;

static long long sleep_begin(void)
{
	__sync_fetch_and_add(&sleeping, 1);
	return clock_ms();
}

static void sleep_verify(long long start, const char *what)
{
	long long took = clock_ms() - start;

	if (took < LIMIT_MS - 2 || took > LIMIT_MS + 200)
		FAIL("%s took %lld ms, not %d", what, took, LIMIT_MS);
}

static void *in_nanosleep(void *arg)
{
	struct timespec limit = {.tv_nsec = LIMIT_MS * 1000000};
	long long start = sleep_begin();

	CHECK_SYS(nanosleep(&limit, NULL));
	sleep_verify(start, "nanosleep");
	return arg;
}

static void *in_poll(void *arg)
{
	long long start = sleep_begin();

	CHECK_INT(CHECK_SYS(poll(NULL, 0, LIMIT_MS)), 0);
	sleep_verify(start, "poll");
	return arg;
}

static void *in_futex(void *arg)
{
	struct timespec limit = {.tv_nsec = LIMIT_MS * 1000000};
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
	pthread_t threads[3] = {thread_start(in_nanosleep, NULL),
		thread_start(in_poll, NULL), thread_start(in_futex, NULL)};

	while (sleeping != 3)
		sched_yield();
	checkpoint_mark("ready");
	for (int i = 0; i < 3; i++)
		thread_join(threads[i]);
	checkpoint_ok();
}
