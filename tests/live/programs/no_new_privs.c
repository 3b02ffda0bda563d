/* SPDX-License-Identifier: GPL-2.0-or-later */
/* no_new_privs stays where it was set and appears nowhere else. */
#include "checkpoint.h"

static void child(int number)
{
	if (number)
		CHECK_SYS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	peer_up(number);
	checkpoint_wait_go();
	CHECK_INT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), number);
}

int main(void)
{
	pid_t pids[2];

	pids[0] = child_start(child, 0);
	pids[1] = child_start(child, 1);
	peers_wait(2);
	checkpoint_here();
	child_join(pids[0]);
	child_join(pids[1]);
	checkpoint_ok();
}
