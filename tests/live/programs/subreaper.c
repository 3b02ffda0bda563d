/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The child-subreaper attribute stays and works. */
#include "checkpoint.h"

static void orphan(int number)
{
	(void)number;
	checkpoint_wait("middle-gone");
	_exit(5);
}

static void middle(int number)
{
	child_start(orphan, number);
}

static void other(int number)
{
	int got = -1;

	peer_up(number);
	checkpoint_wait_go();
	CHECK_SYS(prctl(PR_GET_CHILD_SUBREAPER, &got));
	CHECK_INT(got, 0);
}

int main(void)
{
	int got = -1, status;
	pid_t pid;

	CHECK_SYS(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	pid = child_start(other, 0);
	peers_wait(1);
	checkpoint_here();
	CHECK_SYS(prctl(PR_GET_CHILD_SUBREAPER, &got));
	CHECK_INT(got, 1);
	child_join(pid);
	child_join(child_start(middle, 0));
	checkpoint_mark("middle-gone");
	CHECK_SYS(wait(&status));
	CHECK_INT(status, 5 << 8);
	checkpoint_ok();
}
