/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Children tell of their end by the signal that they were made with. */
#include "checkpoint.h"

static volatile int seen[64];

static void on_signal(int sig)
{
	seen[sig]++;
}

static pid_t child_clone(int sig, int number)
{
	pid_t pid = (pid_t)syscall(SYS_clone, sig, 0, 0, 0, 0);

	if (pid)
		return (pid_t)CHECK_SYS(pid);
	if (number < 0)
		_exit(5);
	peer_up(number);
	checkpoint_wait_go();
	_exit(7);
}

static void end_verify(pid_t pid, int status)
{
	int got;

	/* Without __WCLONE only those are seen that tell by SIGCHLD. */
	CHECK_INT(waitpid(pid, &got, WNOHANG), -1);
	CHECK_INT(errno, ECHILD);
	CHECK_INT(waitpid(pid, &got, __WCLONE), pid);
	CHECK_INT(got, status << 8);
}

int main(void)
{
	pid_t usr1, none, dead;
	siginfo_t info;

	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	usr1 = child_clone(SIGUSR1, 0);
	none = child_clone(0, 1);
	dead = child_clone(SIGUSR2, -1);
	CHECK_SYS(
		waitid(P_PID, (id_t)dead, &info, WEXITED | WNOWAIT | __WCLONE));
	while (!seen[SIGUSR2])
		checkpoint_nap();
	peers_wait(2);
	checkpoint_here();
	end_verify(usr1, 7);
	end_verify(none, 7);
	end_verify(dead, 5);
	while (!seen[SIGUSR1])
		checkpoint_nap();
	CHECK_INT(seen[SIGUSR1], 1);
	CHECK_INT(seen[SIGUSR2], 1);
	CHECK_INT(seen[SIGCHLD], 0);
	checkpoint_ok();
}
