/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that share one fd table (CLONE_FILES) still share it. */
#include "checkpoint.h"

static int *shared_fd;
static char child_stack[65536] __attribute__((aligned(64)));

static int child(void *arg)
{
	(void)arg;
	peer_up(0);
	checkpoint_wait_go();
	*shared_fd = open("/dev/zero", O_RDONLY);
	_exit(*shared_fd < 0);
}

int main(void)
{
	char byte = 1;
	pid_t pid;

	shared_fd = mem_map(
		4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	pid = (pid_t)CHECK_SYS(clone(child, child_stack + sizeof(child_stack),
		CLONE_FILES | SIGCHLD, NULL));
	peers_wait(1);
	checkpoint_here();
	child_join(pid);
	CHECK_INT(read(*shared_fd, &byte, 1), 1);
	CHECK_INT(byte, 0);
	checkpoint_ok();
}
