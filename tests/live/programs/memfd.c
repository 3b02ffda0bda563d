/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A memfd keeps name, size, content, offset and seals, fd and mapping. */
#include "checkpoint.h"

#define LEN (512u << 10)

int main(void)
{
	int fd = (int)CHECK_SYS(
		memfd_create("a memfd", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	char path[64], before[256] = "", after[256] = "";
	uint64_t word = 0;
	char *map;

	CHECK_SYS(ftruncate(fd, LEN));
	map = CHECK_MAP(
		mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	mem_fill(map, LEN / 2, 111);
	CHECK_SYS(lseek(fd, 1234, SEEK_SET));
	CHECK_SYS(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_SYS(readlink(path, before, sizeof(before) - 1));
	checkpoint_here();
	CHECK_SYS(readlink(path, after, sizeof(after) - 1));
	CHECK_STR(after, before);
	CHECK_INT(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW);
	CHECK_INT(lseek(fd, 0, SEEK_CUR), 1234);
	CHECK_INT(lseek(fd, 0, SEEK_END), LEN);
	mem_verify(map, LEN / 2, 111, "memfd");
	CHECK_INT(map[LEN - 1], 0);
	*(uint64_t *)(map + 4096) = 0xabcdef;
	CHECK_INT(pread(fd, &word, 8, 4096), 8);
	CHECK_INT(word, 0xabcdef);
	CHECK(ftruncate(fd, LEN / 2) < 0 && errno == EPERM);
	CHECK_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
	checkpoint_ok();
}
