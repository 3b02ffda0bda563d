/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every thread keeps its own signal mask. */
#include "checkpoint.h"

#define COUNT 6

static volatile int threads_up, threads_go;

static void mask_verify(const sigset_t *want)
{
	sigset_t got;

	pthread_sigmask(SIG_BLOCK, NULL, &got);
	CHECK(memcmp(&got, want, 8) == 0);
}

static void *body(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP + (int)(long)arg);
	sigaddset(&set, SIGRTMIN + (int)(long)arg);
	if ((long)arg == 4)
		sigaddset(&set, SIGTRAP);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	__sync_fetch_and_add(&threads_up, 1);
	while (!threads_go)
		checkpoint_nap();
	mask_verify(&set);
	return arg;
}

int main(void)
{
	pthread_t threads[COUNT];
	sigset_t set;

	for (long i = 0; i < COUNT; i++)
		threads[i] = thread_start(body, (void *)i);
	sigfillset(&set);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	while (threads_up != COUNT)
		checkpoint_nap();
	checkpoint_here();
	mask_verify(&set);
	threads_go = 1;
	for (int i = 0; i < COUNT; i++)
		thread_join(threads[i]);
	checkpoint_ok();
}
