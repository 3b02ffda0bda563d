/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Process groups and sessions inside the tree stay. */
#include "checkpoint.h"

static int joined_group;

static void verify_same(int number)
{
	pid_t group = getpgrp(), session = getsid(0);

	peer_up(number);
	checkpoint_wait_go();
	CHECK_INT(getpgrp(), group);
	CHECK_INT(getsid(0), session);
}

static void group_leader_run(int number)
{
	CHECK_SYS(setpgid(0, 0));
	verify_same(number);
}

static void group_member_run(int number)
{
	CHECK_SYS(setpgid(0, joined_group));
	verify_same(number);
}

static void session_leader_run(int number)
{
	pid_t child;

	CHECK_SYS(setsid());
	child = child_start(group_leader_run, number + 1);
	verify_same(number);
	child_join(child);
}

int main(void)
{
	pid_t children[4];

	children[0] = child_start(group_leader_run, 0);
	peers_wait(1);
	joined_group = children[0];
	children[1] = child_start(group_member_run, 1);
	children[2] = child_start(session_leader_run, 2);
	children[3] = child_start(verify_same, 4);
	peers_wait(5);
	checkpoint_here();
	CHECK_INT(getpgid(children[1]), children[0]);
	CHECK_INT(getsid(children[2]), children[2]);
	for (int i = 0; i < 4; i++)
		child_join(children[i]);
	checkpoint_ok();
}
