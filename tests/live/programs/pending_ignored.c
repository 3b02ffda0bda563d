/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals that are ignored, but wait because they are blocked, still wait. */
#include "checkpoint.h"

#define THREADS 16

static volatile int up[THREADS], go;

static bool waits(pid_t tid, const char *which, int sig)
{
	char path[64], line[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	file_line(path, which, line, sizeof(line));
	return strtoull(line + strlen(which), NULL, 16) >> (sig - 1) & 1;
}

static void *body(void *arg)
{
	volatile int *mine = arg;

	CHECK_SYS((int)syscall(SYS_tgkill, getpid(), thread_tid(), SIGHUP));
	CHECK(waits(thread_tid(), "SigPnd:", SIGHUP));
	*mine = 1;
	while (!go)
		checkpoint_nap();
	CHECK(waits(thread_tid(), "SigPnd:", SIGHUP));
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	for (int i = 0; i < THREADS; i++)
		threads[i] = thread_start(body, (void *)&up[i]);
	for (int i = 0; i < THREADS; i++)
		while (!up[i])
			checkpoint_nap();
	CHECK_SYS(kill(getpid(), SIGUSR1));
	CHECK(waits(getpid(), "ShdPnd:", SIGUSR1));
	checkpoint_here();
	CHECK(waits(getpid(), "ShdPnd:", SIGUSR1));
	go = 1;
	for (int i = 0; i < THREADS; i++)
		thread_join(threads[i]);
	checkpoint_ok();
}
