/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads caught in the middle of quick system calls see right results. */
#include "checkpoint.h"

#define COUNT 4

static volatile int stop;
static int ends[2];

static void *body(void *arg)
{
	char byte, path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", thread_tid());
	while (!stop) {
		CHECK_INT(syscall(SYS_getpid), getpid());
		CHECK_INT(syscall(SYS_gettid), thread_tid());
		CHECK_INT(write(ends[1], "x", 1), 1);
		CHECK_INT(read(ends[0], &byte, 1), 1);
		CHECK_INT(byte, 'x');
		CHECK_SYS(access(path, F_OK));
		CHECK_SYS(sched_yield());
	}
	return arg;
}

int main(void)
{
	pthread_t threads[COUNT];

	CHECK_SYS(pipe(ends));
	for (long i = 0; i < COUNT; i++)
		threads[i] = thread_start(body, NULL);
	checkpoint_here();
	for (int i = 0; i < 20; i++)
		checkpoint_nap();
	stop = 1;
	for (int i = 0; i < COUNT; i++)
		thread_join(threads[i]);
	checkpoint_ok();
}
