/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of the process and of its threads stay. */
#include "checkpoint.h"

static volatile int thread_up, thread_go;

static void *body(void *arg)
{
	char name[16];

	CHECK_SYS(prctl(PR_SET_NAME, "an odd (name) x"));
	thread_up = 1;
	while (!thread_go)
		checkpoint_nap();
	CHECK_SYS(prctl(PR_GET_NAME, name));
	CHECK_STR(name, "an odd (name) x");
	return arg;
}

int main(void)
{
	pthread_t thread = thread_start(body, NULL);
	char comm[64];

	CHECK_SYS(prctl(PR_SET_NAME, "main) R 1"));
	while (!thread_up)
		checkpoint_nap();
	checkpoint_here();
	file_read("/proc/self/comm", comm, sizeof(comm));
	CHECK_STR(comm, "main) R 1\n");
	thread_go = 1;
	thread_join(thread);
	checkpoint_ok();
}
