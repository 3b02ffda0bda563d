/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 200 threads that each hold a lock and wait for another keep them all. */
#include "checkpoint.h"

#define COUNT 200

static pthread_mutex_t own[COUNT] = {
	[0 ... COUNT - 1] = PTHREAD_MUTEX_INITIALIZER};
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static volatile int holding, passed;

static void *body(void *arg)
{
	long number = (long)arg;

	pthread_mutex_lock(&own[number]);
	__sync_fetch_and_add(&holding, 1);
	pthread_mutex_lock(&gate);
	passed++;
	pthread_mutex_unlock(&gate);
	pthread_mutex_unlock(&own[number]);
	return arg;
}

int main(void)
{
	pthread_t threads[COUNT];

	pthread_mutex_lock(&gate);
	for (long i = 0; i < COUNT; i++)
		threads[i] = thread_start(body, (void *)i);
	while (holding != COUNT)
		checkpoint_nap();
	checkpoint_here();
	CHECK_INT(passed, 0);
	for (int i = 0; i < COUNT; i++)
		CHECK_INT(pthread_mutex_trylock(&own[i]), EBUSY);
	pthread_mutex_unlock(&gate);
	for (int i = 0; i < COUNT; i++)
		thread_join(threads[i]);
	CHECK_INT(passed, COUNT);
	for (int i = 0; i < COUNT; i++)
		CHECK_INT(pthread_mutex_trylock(&own[i]), 0);
	checkpoint_ok();
}
