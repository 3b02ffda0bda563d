/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Orphans stay in a session whose leader is deep in another branch. */
#include "checkpoint.h"

static pid_t reaper;

static void orphan(int number)
{
	pid_t session = getsid(0), group = getpgrp();

	/* The maker ends when it likes. */
	while (getppid() != reaper)
		usleep(1000);
	peer_up(number);
	checkpoint_wait_go();
	CHECK_INT(getppid(), reaper);
	CHECK_INT(getsid(0), session);
	CHECK_INT(getpgrp(), group);
	_exit(10 + number);
}

static void maker(int number)
{
	child_start(orphan, number);
}

static void leader(int number)
{
	pid_t parent = getppid();

	CHECK_SYS(setsid());
	child_join(child_start(maker, number));
	peer_up(number + 2);
	checkpoint_wait_go();
	CHECK_INT(getppid(), parent);
	CHECK_INT(getsid(0), getpid());
	CHECK(wait(NULL) < 0 && errno == ECHILD);
	_exit(0);
}

static void middle(int number)
{
	child_join(child_start(leader, number));
	_exit(20 + number);
}

int main(void)
{
	int sum = 0, status;

	reaper = getpid();
	CHECK_SYS(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	child_start(middle, 0);
	child_start(middle, 1);
	peers_wait(4);
	checkpoint_here();
	for (int i = 0; i < 4; i++) {
		CHECK(wait(&status) > 0);
		CHECK(WIFEXITED(status));
		sum += WEXITSTATUS(status);
	}
	CHECK_INT(sum, 10 + 11 + 20 + 21);
	CHECK(wait(NULL) < 0 && errno == ECHILD);
	checkpoint_ok();
}
