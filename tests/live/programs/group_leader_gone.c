/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A task stays in its process group although the group leader is gone. */
#include "checkpoint.h"

static int joined_group;

static void leader(int number)
{
	CHECK_SYS(setpgid(0, 0));
	peer_up(number);
	checkpoint_wait("up.1");
}

static void member(int number)
{
	CHECK_SYS(setpgid(0, joined_group));
	peer_up(number);
	checkpoint_wait_go();
	CHECK_INT(getpgrp(), joined_group);
}

int main(void)
{
	pid_t child;

	joined_group = child_start(leader, 0);
	peers_wait(1);
	child = child_start(member, 1);
	peers_wait(2);
	child_join(joined_group);
	checkpoint_here();
	CHECK(kill(joined_group, 0) < 0 && errno == ESRCH);
	CHECK_INT(getpgid(child), joined_group);
	CHECK_SYS(kill(-joined_group, 0));
	child_join(child);
	checkpoint_ok();
}
