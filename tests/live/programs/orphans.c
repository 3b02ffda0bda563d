/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Orphans that a subreaper took in stay its children. */
#include "checkpoint.h"

static void orphan(int number)
{
	checkpoint_wait("middle-gone");
	pid_t reaper = getppid();

	peer_up(number);
	checkpoint_wait_go();
	CHECK_INT(getppid(), reaper);
	_exit(40 + number);
}

static void middle(int number)
{
	child_start(orphan, number);
	child_start(orphan, number + 1);
}

int main(void)
{
	int sum = 0;

	CHECK_SYS(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	child_join(child_start(middle, 0));
	checkpoint_mark("middle-gone");
	peers_wait(2);
	checkpoint_here();
	for (int i = 0; i < 2; i++) {
		int status;

		CHECK(wait(&status) > 0);
		CHECK(WIFEXITED(status));
		sum += WEXITSTATUS(status);
	}
	CHECK_INT(sum, 81);
	CHECK(wait(NULL) < 0 && errno == ECHILD);
	checkpoint_ok();
}
