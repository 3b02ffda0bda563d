/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A shared file mapping still writes to the file, from two processes. */
#include "checkpoint.h"

#define LEN (256u << 10)

static char page[LEN];
static volatile uint64_t *word;

static void child(int number)
{
	peer_up(number);
	checkpoint_wait("verified");
	word[1] = 0x77;
}

int main(void)
{
	char path[PATH_MAX];
	int fd = (int)CHECK_SYS(open(checkpoint_path(path, "data"),
		O_RDWR | O_CREAT | O_CLOEXEC, 0644));
	uint64_t got[2];
	char *map;
	pid_t pid;

	CHECK_SYS(ftruncate(fd, LEN));
	map = CHECK_MAP(
		mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	close(fd);
	word = (uint64_t *)map;
	mem_fill(map, LEN, 41);
	pid = child_start(child, 0);
	peers_wait(1);
	checkpoint_here();
	mem_verify(map, LEN, 41, "the mapping");
	checkpoint_mark("verified");
	child_join(pid);
	word[0] = 0x66;
	fd = (int)CHECK_SYS(open(path, O_RDONLY | O_CLOEXEC));
	CHECK_INT(read(fd, got, sizeof(got)), sizeof(got));
	CHECK_INT(got[0], 0x66);
	CHECK_INT(got[1], 0x77);
	CHECK_INT(pread(fd, page, LEN, 0), LEN);
	CHECK(memcmp(page, map, LEN) == 0);
	checkpoint_ok();
}
