/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stopped task is still stopped after restore and can be continued. */
#include "checkpoint.h"

static void child(int number)
{
	peer_up(number);
	raise(SIGSTOP);
	CHECK(checkpoint_seen("go"));
	_exit(9);
}

static char state_of(pid_t pid)
{
	char path[64], line[128];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file_line(path, "State:", line, sizeof(line));
	return line[7];
}

int main(void)
{
	pid_t pid = child_start(child, 0);
	siginfo_t info;
	int status;

	peers_wait(1);
	CHECK_SYS(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT));
	checkpoint_here();
	/* It stops by itself on its way out of the kernel. */
	for (int i = 0; i < 1000 && state_of(pid) == 'R'; i++)
		checkpoint_nap();
	CHECK_INT(state_of(pid), 'T');
	checkpoint_nap();
	CHECK_INT(state_of(pid), 'T');
	CHECK_SYS(kill(pid, SIGCONT));
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 9);
	checkpoint_ok();
}
