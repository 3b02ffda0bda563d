/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parent-death signal stays, and still arrives. */
#include "checkpoint.h"

static void grandchild(int number)
{
	sigset_t set;
	siginfo_t info;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_SYS(prctl(PR_SET_PDEATHSIG, SIGUSR2));
	peer_up(number);
	checkpoint_wait_go();
	CHECK_SYS(prctl(PR_GET_PDEATHSIG, &got));
	CHECK_INT(got, SIGUSR2);
	CHECK_INT(sigtimedwait(&set, &info, &(struct timespec){5, 0}), SIGUSR2);
}

static void child(int number)
{
	child_start(grandchild, number);
	checkpoint_wait_go();
}

int main(void)
{
	int status;

	CHECK_SYS(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	child_start(child, 0);
	peers_wait(1);
	checkpoint_here();
	for (int i = 0; i < 2; i++) {
		CHECK_SYS(wait(&status));
		CHECK_INT(status, 0);
	}
	checkpoint_ok();
}
