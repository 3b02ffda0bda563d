/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /dev/null, /dev/zero, /dev/full and /dev/urandom are open again. */
#include "checkpoint.h"
#include <sys/sysmacros.h>

static void device_verify(int fd, unsigned int minor_number)
{
	struct stat st;

	CHECK_SYS(fstat(fd, &st));
	CHECK(S_ISCHR(st.st_mode));
	CHECK_INT(major(st.st_rdev), 1);
	CHECK_INT(minor(st.st_rdev), minor_number);
}

int main(void)
{
	int null = (int)CHECK_SYS(open("/dev/null", O_RDWR));
	int zero = (int)CHECK_SYS(open("/dev/zero", O_RDONLY));
	int full = (int)CHECK_SYS(open("/dev/full", O_WRONLY | O_NONBLOCK));
	int random = (int)CHECK_SYS(open("/dev/urandom", O_RDONLY));
	uint64_t got[8] = {1, 1};

	checkpoint_here();
	device_verify(null, 3);
	device_verify(zero, 5);
	device_verify(full, 7);
	device_verify(random, 9);
	CHECK_INT(read(null, got, 8), 0);
	CHECK_INT(read(zero, got, 16), 16);
	CHECK_INT(got[0] | got[1], 0);
	CHECK(write(full, got, 8) < 0 && errno == ENOSPC);
	CHECK_INT(read(random, got, 64), 64);
	CHECK((got[0] | got[1] | got[2]) != 0);
	CHECK_INT(fcntl(full, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	checkpoint_ok();
}
