/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A parent in waitpid is restarted and gets its child's status. */
#include "checkpoint.h"

static void child(int number)
{
	peer_up(number);
	checkpoint_wait_go();
	checkpoint_nap();
	_exit(23);
}

static void *marker(void *arg)
{
	checkpoint_mark("ready");
	return arg;
}

int main(void)
{
	pid_t pid = child_start(child, 0);
	int status = 0;

	peers_wait(1);
	thread_join(thread_start(marker, NULL));
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 23);
	CHECK(checkpoint_seen("go"));
	checkpoint_ok();
}
