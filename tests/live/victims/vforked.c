/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A parent that waits in vfork() for a child that takes its time: no signal
 * and no tracer reaches it there.
 */
#include "checkpoint.h"

int main(void)
{
	int status;
	pid_t pid;

	pid = vfork();
	if (pid == 0) {
		checkpoint_mark("ready");
		while (!checkpoint_seen("go"))
			checkpoint_nap();
		_exit(5);
	}
	CHECK_SYS(pid);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(WEXITSTATUS(status), 5);
	checkpoint_ok();
}
