/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree of three generations keeps pids and parents. */
#include "checkpoint.h"

#define FAN 3

static void leaf(int number)
{
	pid_t pid = getpid(), parent = getppid();

	peer_up(number);
	checkpoint_wait_go();
	CHECK_INT(getpid(), pid);
	CHECK_INT(getppid(), parent);
	CHECK_INT(syscall(SYS_getpid), pid);
}

static void branch(int number)
{
	pid_t pid = getpid(), parent = getppid(), leaves[FAN];

	for (int i = 0; i < FAN; i++)
		leaves[i] = child_start(leaf, FAN + number * FAN + i);
	peer_up(number);
	checkpoint_wait_go();
	CHECK_INT(getpid(), pid);
	CHECK_INT(getppid(), parent);
	for (int i = 0; i < FAN; i++)
		child_join(leaves[i]);
}

int main(void)
{
	pid_t pid = getpid(), branches[FAN];

	for (int i = 0; i < FAN; i++)
		branches[i] = child_start(branch, i);
	peers_wait(FAN + FAN * FAN);
	checkpoint_here();
	CHECK_INT(getpid(), pid);
	for (int i = 0; i < FAN; i++)
		child_join(branches[i]);
	checkpoint_ok();
}
