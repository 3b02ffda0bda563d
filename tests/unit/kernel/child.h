/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * child: a child process to look at, killed when its scope ends.
 *
 *	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
 *
 * The child's function runs in it; the child has told us that it began.
 */
#ifndef STASIS_TEST_CHILD_H
#define STASIS_TEST_CHILD_H

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static inline void child_end(const pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, __WALL);
}
#define _cleanup_child_ __attribute__((cleanup(child_end)))

/* ready: an fd to write one byte to (child_ready), when all is set up. */
static inline pid_t child_start(void (*run)(int ready, void *arg), void *arg)
{
	int ends[2];
	char byte;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		abort();
	pid = fork();
	if (pid < 0)
		abort();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run(ends[1], arg);
		_exit(0);
	}
	close(ends[1]);
	if (read(ends[0], &byte, 1) != 1)
		abort();
	close(ends[0]);
	return pid;
}

static inline void child_ready(int ready)
{
	if (write(ready, "r", 1) != 1)
		_exit(9);
}

static inline void child_sleep(int ready, void *arg)
{
	(void)arg;
	child_ready(ready);
	for (;;)
		pause();
}

#endif
