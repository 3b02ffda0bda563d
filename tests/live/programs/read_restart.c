/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread in a read of an empty pipe is restarted and gets the byte. */
#include "checkpoint.h"

static int ends[2];
static volatile int reader_up;
static ssize_t read_result;
static char read_byte;

static void *reader(void *arg)
{
	reader_up = 1;
	read_result = read(ends[0], &read_byte, 1);
	if (read_result < 0)
		read_result = -errno;
	return arg;
}

int main(void)
{
	pthread_t thread;

	CHECK_SYS(pipe(ends));
	thread = thread_start(reader, NULL);
	while (!reader_up)
		checkpoint_nap();
	checkpoint_nap();
	checkpoint_here();
	CHECK_INT(write(ends[1], "z", 1), 1);
	thread_join(thread);
	CHECK_INT(read_result, 1);
	CHECK_INT(read_byte, 'z');
	checkpoint_ok();
}
