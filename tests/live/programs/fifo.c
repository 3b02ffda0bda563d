/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A named FIFO keeps its content and both of its ends. */
#include "checkpoint.h"

int main(void)
{
	char path[PATH_MAX], got[32] = "";
	int both, reading, writing;
	struct stat st;

	CHECK_SYS(mkfifo(checkpoint_path(path, "fifo"), 0644));
	both = (int)CHECK_SYS(open(path, O_RDWR));
	reading = (int)CHECK_SYS(open(path, O_RDONLY | O_NONBLOCK));
	writing = (int)CHECK_SYS(open(path, O_WRONLY));
	CHECK_INT(write(both, "kept in fifo", 12), 12);
	checkpoint_here();
	CHECK_SYS(fstat(reading, &st));
	CHECK(S_ISFIFO(st.st_mode));
	CHECK_INT(read(reading, got, 31), 12);
	CHECK_STR(got, "kept in fifo");
	CHECK(read(reading, got, 1) < 0 && errno == EAGAIN);
	CHECK_INT(write(writing, "new", 3), 3);
	CHECK_INT(read(both, got, 3), 3);
	CHECK(memcmp(got, "new", 3) == 0);
	CHECK_INT(fcntl(writing, F_GETFL) & O_ACCMODE, O_WRONLY);
	checkpoint_ok();
}
