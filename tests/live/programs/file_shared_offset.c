/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files shared over dup and fork keep one offset, others their own. */
#include "checkpoint.h"

static int shared, opened_twice;

static void child(int number)
{
	char got[4] = "";

	peer_up(number);
	checkpoint_wait_go();
	CHECK_INT(read(shared, got, 3), 3);
	CHECK_STR(got, "012");
}

int main(void)
{
	char path[PATH_MAX], got[4] = "";
	int copy;
	pid_t pid;

	shared = (int)CHECK_SYS(
		open(checkpoint_path(path, "data"), O_RDWR | O_CREAT, 0644));
	CHECK_INT(write(shared, "0123456789", 10), 10);
	CHECK_SYS(lseek(shared, 0, SEEK_SET));
	copy = (int)CHECK_SYS(dup(shared));
	opened_twice = (int)CHECK_SYS(open(path, O_RDWR));
	pid = child_start(child, 0);
	peers_wait(1);
	checkpoint_here();
	child_join(pid);
	CHECK_INT(read(shared, got, 3), 3);
	CHECK_STR(got, "345");
	CHECK_INT(lseek(copy, 0, SEEK_CUR), 6);
	CHECK_INT(lseek(opened_twice, 0, SEEK_CUR), 0);
	CHECK_SYS(fcntl(copy, F_SETFL, O_APPEND));
	CHECK_INT(fcntl(shared, F_GETFL) & O_APPEND, O_APPEND);
	CHECK_INT(fcntl(opened_twice, F_GETFL) & O_APPEND, 0);
	checkpoint_ok();
}
