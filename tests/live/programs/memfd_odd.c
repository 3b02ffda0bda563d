/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A memfd that ends inside a page keeps its size and content. */
#include "checkpoint.h"

#define SIZE (3 * PAGE + 1234)

int main(void)
{
	int fd = (int)CHECK_SYS(memfd_create("odd", 0));
	int tiny = (int)CHECK_SYS(memfd_create("tiny", 0));
	char *map, byte = 0;

	CHECK_SYS(ftruncate(fd, SIZE));
	map = CHECK_MAP(
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	mem_fill(map, SIZE, 5);
	CHECK_INT(write(tiny, "x", 1), 1);
	checkpoint_here();
	CHECK_INT(lseek(fd, 0, SEEK_END), SIZE);
	mem_verify(map, SIZE, 5, "a memfd of odd size");
	CHECK_INT(lseek(tiny, 0, SEEK_END), 1);
	CHECK_INT(pread(tiny, &byte, 1, 0), 1);
	CHECK_INT(byte, 'x');
	checkpoint_ok();
}
