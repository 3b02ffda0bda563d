/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A task stays in its session although the session leader is gone. */
#include "checkpoint.h"

static void member(int number)
{
	pid_t session = getsid(0), group = getpgrp(), reaper;

	CHECK(session == getppid());
	peer_up(number);
	checkpoint_wait("leader-gone");
	reaper = getppid();
	peer_up(number + 1);
	checkpoint_wait_go();
	CHECK_INT(getsid(0), session);
	CHECK_INT(getpgrp(), group);
	CHECK_INT(getppid(), reaper);
}

static void leader(int number)
{
	CHECK_SYS(setsid());
	child_start(member, number);
	checkpoint_wait("up.0");
}

int main(void)
{
	int status;
	pid_t pid;

	CHECK_SYS(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	pid = child_start(leader, 0);
	child_join(pid);
	checkpoint_mark("leader-gone");
	peers_wait(2);
	checkpoint_here();
	CHECK(kill(pid, 0) < 0 && errno == ESRCH);
	CHECK(wait(&status) > 0);
	CHECK_INT(status, 0);
	checkpoint_ok();
}
