/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forks children that fork and exit, without end, until "go". */
#include "checkpoint.h"

static void grandchild(int number)
{
	_exit(number & 1);
}

static void child(int number)
{
	pid_t pid = child_start(grandchild, number);
	int status;

	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, (number & 1) << 8);
	_exit(0);
}

int main(void)
{
	checkpoint_mark("ready");
	for (int i = 0; !checkpoint_seen("go"); i++) {
		pid_t pids[3];

		for (int k = 0; k < 3; k++)
			pids[k] = child_start(child, i + k);
		for (int k = 0; k < 3; k++)
			child_join(pids[k]);
	}
	checkpoint_ok();
}
