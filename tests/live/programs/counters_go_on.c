/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that count, some in floating point, lose no step. */
#include "checkpoint.h"

#define COUNT 4

static volatile int stop, counting;
static volatile uint64_t steps[COUNT];
static volatile double sums[COUNT];

static void *body(void *arg)
{
	long number = (long)arg;
	uint64_t count = 0;
	double sum = 0;

	__sync_fetch_and_add(&counting, 1);
	do {
		count++;
		sum += 0.5;
	} while (!stop);
	steps[number] = count;
	sums[number] = sum;
	return arg;
}

int main(void)
{
	pthread_t threads[COUNT];

	for (long i = 0; i < COUNT; i++)
		threads[i] = thread_start(body, (void *)i);
	while (counting != COUNT)
		checkpoint_nap();
	checkpoint_here();
	stop = 1;
	for (int i = 0; i < COUNT; i++) {
		thread_join(threads[i]);
		CHECK(steps[i] > 0);
		CHECK(sums[i] == 0.5 * (double)steps[i]);
	}
	checkpoint_ok();
}
