/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A changed private file page is shared copy-on-write over fork. */
#include "checkpoint.h"

#define LEN (64u << 10)

static char page[LEN];
static char *map;

static void child(int number)
{
	mem_fill(map + 4096, 4096, 141);
	peer_up(number);
	checkpoint_wait_go();
	mem_verify(map, 4096, 140, "inherited");
	mem_verify(map + 4096, 4096, 141, "the child's own");
	CHECK(memcmp(map + 8192, page + 8192, LEN - 8192) == 0);
}

int main(void)
{
	char path[PATH_MAX];
	int fd = (int)CHECK_SYS(open(checkpoint_path(path, "data"),
		O_RDWR | O_CREAT | O_CLOEXEC, 0644));
	pid_t pid;

	mem_fill(page, LEN, 3);
	CHECK_INT(write(fd, page, LEN), LEN);
	map = CHECK_MAP(
		mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	mem_fill(map, 4096, 140);
	pid = child_start(child, 0);
	peers_wait(1);
	checkpoint_here();
	mem_verify(map, 4096, 140, "the parent's");
	CHECK(memcmp(map + 4096, page + 4096, LEN - 4096) == 0);
	child_join(pid);
	checkpoint_ok();
}
