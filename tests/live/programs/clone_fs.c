/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that share cwd and umask (CLONE_FS) still share them. */
#include "checkpoint.h"

static char child_stack[65536] __attribute__((aligned(64)));

static int child(void *arg)
{
	(void)arg;
	peer_up(0);
	checkpoint_wait_go();
	if (chdir("/usr") < 0)
		_exit(1);
	umask(0137);
	_exit(0);
}

int main(void)
{
	char cwd[PATH_MAX];
	pid_t pid;

	umask(0022);
	pid = (pid_t)CHECK_SYS(clone(child, child_stack + sizeof(child_stack),
		CLONE_FS | SIGCHLD, NULL));
	peers_wait(1);
	checkpoint_here();
	child_join(pid);
	CHECK(getcwd(cwd, sizeof(cwd)));
	CHECK_STR(cwd, "/usr");
	CHECK_INT(umask(0), 0137);
	checkpoint_ok();
}
