/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pipes keep their content, size and flags. */
#include "checkpoint.h"

#define LEN 50000

static char content[LEN], got[LEN];

int main(void)
{
	int large[2], empty[2], nonblock[2];
	char byte;

	CHECK_SYS(pipe(large));
	CHECK_SYS(pipe(empty));
	CHECK_SYS(pipe2(nonblock, O_NONBLOCK | O_CLOEXEC));
	CHECK_SYS(fcntl(large[1], F_SETPIPE_SZ, 262144));
	CHECK_SYS(fcntl(empty[0], F_SETPIPE_SZ, PAGE));
	CHECK_SYS(fcntl(empty[1], F_SETFL, O_NONBLOCK));
	mem_fill(content, LEN, 161);
	CHECK_INT(write(large[1], content, LEN), LEN);
	CHECK_INT(write(nonblock[1], "ab", 2), 2);
	checkpoint_here();
	CHECK_INT(fcntl(large[0], F_GETPIPE_SZ), 262144);
	CHECK_INT(fcntl(empty[0], F_GETPIPE_SZ), PAGE);
	CHECK_INT(read(large[0], got, LEN), LEN);
	CHECK(memcmp(got, content, LEN) == 0);
	CHECK_INT(fcntl(large[0], F_GETFL) & O_NONBLOCK, 0);
	CHECK_INT(fcntl(empty[0], F_GETFL) & O_NONBLOCK, 0);
	CHECK_INT(fcntl(empty[1], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_INT(read(nonblock[0], got, 10), 2);
	CHECK(memcmp(got, "ab", 2) == 0);
	CHECK(read(nonblock[0], got, 10) < 0 && errno == EAGAIN);
	CHECK_INT(fcntl(nonblock[0], F_GETFD), FD_CLOEXEC);
	CHECK_INT(write(empty[1], "q", 1), 1);
	CHECK_INT(read(empty[0], &byte, 1), 1);
	CHECK_INT(byte, 'q');
	close(large[1]);
	CHECK_INT(read(large[0], got, 1), 0);
	checkpoint_ok();
}
