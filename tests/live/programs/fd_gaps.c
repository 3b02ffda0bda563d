/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fd numbers with gaps, high numbers and close-on-exec flags stay. */
#include "checkpoint.h"

int main(void)
{
	static const int wanted[] = {5, 17, 63, 64, 255, 900, 1023};
	char path[PATH_MAX];
	int file = (int)CHECK_SYS(
		open(checkpoint_path(path, "data"), O_RDWR | O_CREAT, 0644));
	int free_number;

	for (size_t i = 0; i < COUNT_OF(wanted); i++)
		CHECK_INT(dup3(file, wanted[i], i % 2 ? O_CLOEXEC : 0),
			wanted[i]);
	close(file);
	free_number = (int)CHECK_SYS(dup(5));
	close(free_number);
	CHECK_INT(write(1023, "abc", 3), 3);
	checkpoint_here();
	for (size_t i = 0; i < COUNT_OF(wanted); i++) {
		CHECK_INT(fcntl(wanted[i], F_GETFD), i % 2 ? FD_CLOEXEC : 0);
		CHECK_INT(lseek(wanted[i], 0, SEEK_CUR), 3);
	}
	for (int fd = 3; fd < 1100; fd++) {
		bool known = false;

		for (size_t i = 0; i < COUNT_OF(wanted); i++)
			known |= wanted[i] == fd;
		if (!known && fcntl(fd, F_GETFD) != -1)
			FAIL("fd %d is open and was not", fd);
	}
	CHECK_INT(dup(5), free_number);
	checkpoint_ok();
}
