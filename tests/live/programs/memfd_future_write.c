/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory sealed while it is mapped for writing stays so, for these alone. */
#include "checkpoint.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

enum { SEALS = F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_SEAL };

static char *map, *later;
static int fd;

static void child(int number)
{
	peer_up(number);
	checkpoint_wait_go();
	CHECK_INT(map[0], 'p');
	map[1] = 'c';
}

int main(void)
{
	size_t size = 2 * (size_t)PAGE;
	pid_t pid;

	fd = (int)CHECK_SYS(memfd_create("sealed", MFD_ALLOW_SEALING));
	CHECK_SYS(ftruncate(fd, (off_t)size));
	map = CHECK_MAP(
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	map[0] = 'p';
	CHECK_SYS(fcntl(fd, F_ADD_SEALS, SEALS));
	later = CHECK_MAP(mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0));
	pid = child_start(child, 0);
	peers_wait(1);
	checkpoint_here();
	CHECK_INT(later[0], 'p');
	child_join(pid);
	CHECK_INT(map[1], 'c');
	map[2] = 'r';
	CHECK_INT(later[2], 'r');
	CHECK_INT(fcntl(fd, F_GET_SEALS), SEALS);
	CHECK(write(fd, "x", 1) < 0 && errno == EPERM);
	CHECK(mprotect(later, size, PROT_READ | PROT_WRITE) < 0);
	CHECK(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) ==
		MAP_FAILED);
	checkpoint_ok();
}
