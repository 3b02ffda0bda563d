/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tid address stays: ended threads can be joined after restore. */
#include "checkpoint.h"

#define COUNT 5

static volatile int threads_up, threads_go;
static int *addresses[COUNT];

static int *address_get(void)
{
	int *address = NULL;

	if (prctl(PR_GET_TID_ADDRESS, &address) < 0)
		return NULL;
	return address;
}

static void *body(void *arg)
{
	long number = (long)arg;

	addresses[number] = address_get();
	__sync_fetch_and_add(&threads_up, 1);
	while (!threads_go)
		checkpoint_nap();
	CHECK(address_get() == addresses[number]);
	return (void *)(number * 3 + 1);
}

int main(void)
{
	pthread_t threads[COUNT];
	int *own = address_get();

	for (long i = 0; i < COUNT; i++)
		threads[i] = thread_start(body, (void *)i);
	while (threads_up != COUNT)
		checkpoint_nap();
	checkpoint_here();
	CHECK(address_get() == own);
	threads_go = 1;
	for (long i = 0; i < COUNT; i++) {
		void *result;

		CHECK_INT(pthread_join(threads[i], &result), 0);
		CHECK_INT((long)result, i * 3 + 1);
	}
	checkpoint_ok();
}
