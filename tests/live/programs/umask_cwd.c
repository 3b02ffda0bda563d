/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each process keeps its own umask and working directory. */
#include "checkpoint.h"

static void child(int number)
{
	char cwd[PATH_MAX];

	CHECK_SYS(chdir(number ? "/usr/bin" : "/"));
	umask(number ? 0111 : 0222);
	peer_up(number);
	checkpoint_wait_go();
	CHECK(getcwd(cwd, sizeof(cwd)));
	CHECK_STR(cwd, number ? "/usr/bin" : "/");
	CHECK_INT(umask(0), number ? 0111 : 0222);
}

int main(void)
{
	char cwd[PATH_MAX], dir[PATH_MAX];
	pid_t pids[2];

	CHECK_SYS(mkdir(checkpoint_path(dir, "a dir"), 0755));
	CHECK_SYS(chdir(dir));
	umask(0077);
	pids[0] = child_start(child, 0);
	pids[1] = child_start(child, 1);
	peers_wait(2);
	checkpoint_here();
	CHECK(getcwd(cwd, sizeof(cwd)));
	CHECK_STR(cwd, dir);
	CHECK_INT(umask(0), 0077);
	child_join(pids[0]);
	child_join(pids[1]);
	checkpoint_ok();
}
