/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A private file mapping keeps changed pages and shows the file's rest. */
#include "checkpoint.h"

#define LEN (1u << 20)

static char page[LEN];

int main(void)
{
	char path[PATH_MAX];
	int fd = (int)CHECK_SYS(open(checkpoint_path(path, "data"),
		O_RDWR | O_CREAT | O_CLOEXEC, 0644));
	char *map, *reading;

	mem_fill(page, LEN, 31);
	CHECK_INT(write(fd, page, LEN), LEN);
	map = CHECK_MAP(mmap(NULL, LEN / 2, PROT_READ | PROT_WRITE, MAP_PRIVATE,
		fd, LEN / 4));
	reading = CHECK_MAP(mmap(NULL, LEN, PROT_READ, MAP_PRIVATE, fd, 0));
	close(fd);
	mem_fill(map + 8192, 4096, 32);
	mem_fill(map + 65536, 65536, 33);
	checkpoint_here();
	mem_verify(map + 8192, 4096, 32, "one page");
	mem_verify(map + 65536, 65536, 33, "many pages");
	CHECK(memcmp(map, page + LEN / 4, 8192) == 0);
	CHECK(memcmp(map + 131072, page + LEN / 4 + 131072, LEN / 4) == 0);
	mem_verify(reading, LEN, 31, "the file");
	mem_fill(map, 4096, 34);
	mem_verify(reading, LEN, 31, "the file after a private write");
	checkpoint_ok();
}
