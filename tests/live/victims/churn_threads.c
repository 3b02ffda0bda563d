/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starts and joins threads that start threads, without end, until "go". */
#include "checkpoint.h"

static volatile uint64_t ended;

static void *leaf(void *arg)
{
	__sync_fetch_and_add(&ended, 1);
	return arg;
}

static void *branch(void *arg)
{
	pthread_t threads[2] = {
		thread_start(leaf, arg), thread_start(leaf, arg)};

	thread_join(threads[0]);
	thread_join(threads[1]);
	return arg;
}

int main(void)
{
	uint64_t rounds = 0;

	checkpoint_mark("ready");
	for (; !checkpoint_seen("go"); rounds++) {
		pthread_t threads[4];

		for (int i = 0; i < 4; i++)
			threads[i] = thread_start(branch, NULL);
		for (int i = 0; i < 4; i++)
			thread_join(threads[i]);
	}
	CHECK_INT(ended, rounds * 8);
	checkpoint_ok();
}
