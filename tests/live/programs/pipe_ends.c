/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pipes whose ends are in different processes stay connected. */
#include "checkpoint.h"

static int down[2], up[2];

static void child(int number)
{
	char got[8] = "";

	close(down[1]);
	close(up[0]);
	peer_up(number);
	CHECK_INT(read(down[0], got, 4), 4);
	CHECK(checkpoint_seen("go"));
	CHECK_STR(got, "ping");
	CHECK_INT(write(up[1], "pong", 4), 4);
	CHECK_INT(read(down[0], got, 1), 0);
}

int main(void)
{
	char got[16] = "";
	pid_t pid;

	CHECK_SYS(pipe(down));
	CHECK_SYS(pipe(up));
	CHECK_INT(write(up[1], "old-", 4), 4);
	pid = child_start(child, 0);
	close(down[0]);
	close(up[1]);
	peers_wait(1);
	checkpoint_here();
	CHECK_INT(write(down[1], "ping", 4), 4);
	CHECK_INT(read(up[0], got, 4), 4);
	CHECK_STR(got, "old-");
	CHECK_INT(read(up[0], got, 4), 4);
	CHECK_STR(got, "pong");
	close(down[1]);
	child_join(pid);
	CHECK_INT(read(up[0], got, 1), 0);
	checkpoint_ok();
}
