/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pipe with only one end left gives end of file, or EPIPE. */
#include "checkpoint.h"

int main(void)
{
	int reading[2], writing[2];
	char got[8] = "";

	CHECK_SYS(pipe(reading));
	CHECK_SYS(pipe(writing));
	CHECK_INT(write(reading[1], "rest", 4), 4);
	close(reading[1]);
	close(writing[0]);
	signal(SIGPIPE, SIG_IGN);
	checkpoint_here();
	CHECK_INT(read(reading[0], got, 8), 4);
	CHECK_STR(got, "rest");
	CHECK_INT(read(reading[0], got, 8), 0);
	CHECK(write(writing[1], "x", 1) < 0 && errno == EPIPE);
	checkpoint_ok();
}
