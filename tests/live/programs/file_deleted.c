/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deleted files stay deleted, with content, offset and mapping. */
#include "checkpoint.h"

#define LEN (64u << 10)

static char content[LEN], got[LEN];

static void child(int fd)
{
	peer_up(0);
	checkpoint_wait_go();
	CHECK_INT(pread(fd, got, LEN, 0), LEN);
	CHECK(memcmp(got, content, LEN) == 0);
}

int main(void)
{
	char path[PATH_MAX];
	struct stat st;
	char *map;
	pid_t pid;
	int fd;

	fd = (int)CHECK_SYS(
		open(checkpoint_path(path, "deleted"), O_RDWR | O_CREAT, 0640));
	mem_fill(content, LEN, 171);
	CHECK_INT(write(fd, content, LEN), LEN);
	CHECK_SYS(lseek(fd, 777, SEEK_SET));
	map = CHECK_MAP(
		mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	CHECK_SYS(unlink(path));
	pid = child_start(child, fd);
	peers_wait(1);
	checkpoint_here();
	CHECK_INT(lseek(fd, 0, SEEK_CUR), 777);
	CHECK_SYS(fstat(fd, &st));
	CHECK_INT(st.st_nlink, 0);
	CHECK_INT(st.st_size, LEN);
	CHECK_INT(st.st_mode & 0777, 0640);
	CHECK(access(path, F_OK) < 0 && errno == ENOENT);
	child_join(pid);
	mem_verify(map, LEN, 171, "the mapping");
	map[5] = 55;
	CHECK_INT(pread(fd, got, 1, 5), 1);
	CHECK_INT(got[0], 55);
	checkpoint_ok();
}
