/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Zombies keep their exit code or the signal that killed them. */
#include "checkpoint.h"

static void exits(int code)
{
	_exit(code);
}

static void killed(int number)
{
	kill(getpid(), number);
}

static void zombie_await(pid_t pid)
{
	siginfo_t info;

	CHECK_SYS(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
}

static void zombie_verify(pid_t pid, int expected)
{
	int status;

	CHECK_INT(waitpid(pid, &status, WNOHANG), pid);
	CHECK_INT(status, expected);
}

int main(void)
{
	pid_t pids[4];

	pids[0] = child_start(exits, 0);
	pids[1] = child_start(exits, 42);
	pids[2] = child_start(killed, SIGKILL);
	pids[3] = child_start(killed, SIGTERM);
	for (int i = 0; i < 4; i++)
		zombie_await(pids[i]);
	checkpoint_here();
	zombie_verify(pids[0], 0);
	zombie_verify(pids[1], 42 << 8);
	zombie_verify(pids[2], SIGKILL);
	zombie_verify(pids[3], SIGTERM);
	checkpoint_ok();
}
