/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Regular files keep offset, access mode, flags and content. */
#include "checkpoint.h"

int main(void)
{
	char path[PATH_MAX], other[PATH_MAX], got[32] = "";
	int both, reading, appending;

	both = (int)CHECK_SYS(
		open(checkpoint_path(path, "both"), O_RDWR | O_CREAT, 0640));
	CHECK_INT(write(both, "0123456789", 10), 10);
	reading = (int)CHECK_SYS(open(path, O_RDONLY | O_NOATIME));
	appending = (int)CHECK_SYS(open(checkpoint_path(other, "append"),
		O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK, 0600));
	CHECK_INT(write(appending, "first ", 6), 6);
	CHECK_SYS(lseek(both, 3, SEEK_SET));
	CHECK_SYS(lseek(reading, 7, SEEK_SET));
	checkpoint_here();
	CHECK_INT(lseek(both, 0, SEEK_CUR), 3);
	CHECK_INT(lseek(reading, 0, SEEK_CUR), 7);
	CHECK_INT(read(reading, got, 9), 3);
	CHECK_STR(got, "789");
	CHECK_INT(write(both, "abc", 3), 3);
	CHECK_INT(pread(reading, got, 10, 0), 10);
	CHECK_STR(got, "012abc6789");
	CHECK(write(reading, "x", 1) < 0 && errno == EBADF);
	CHECK_INT(fcntl(reading, F_GETFL) & O_NOATIME, O_NOATIME);
	CHECK_INT(fcntl(appending, F_GETFL) & (O_APPEND | O_NONBLOCK),
		O_APPEND | O_NONBLOCK);
	CHECK_INT(fcntl(appending, F_GETFL) & O_ACCMODE, O_WRONLY);
	CHECK_SYS(lseek(appending, 0, SEEK_SET));
	CHECK_INT(write(appending, "second", 6), 6);
	file_read(other, got, sizeof(got));
	CHECK_STR(got, "first second");
	checkpoint_ok();
}
