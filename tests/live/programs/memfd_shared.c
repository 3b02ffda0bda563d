/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A memfd without any fd left stays shared between two processes. */
#include "checkpoint.h"

#define LEN (128u << 10)

static char *map;

static void child(int number)
{
	peer_up(number);
	checkpoint_wait_go();
	mem_verify(map, LEN / 2, 121, "memfd in the child");
	map[LEN - 1] = 55;
}

int main(void)
{
	int fd = (int)CHECK_SYS(memfd_create("passing", MFD_CLOEXEC));
	char *private;
	pid_t pid;

	CHECK_SYS(ftruncate(fd, LEN));
	map = CHECK_MAP(
		mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	private = CHECK_MAP(
		mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	close(fd);
	mem_fill(map, LEN / 2, 121);
	mem_fill(private, 4096, 122);
	pid = child_start(child, 0);
	peers_wait(1);
	checkpoint_here();
	child_join(pid);
	CHECK_INT(map[LEN - 1], 55);
	CHECK_INT(private[LEN - 1], 55);
	mem_verify(private, 4096, 122, "private page");
	CHECK_INT(*(uint64_t *)(private + 4096), mem_word(121, 512));
	checkpoint_ok();
}
