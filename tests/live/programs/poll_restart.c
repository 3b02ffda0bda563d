/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread in poll without limit still gets its event after restore. */
#include "checkpoint.h"

static int ends[2];
static volatile int poller_up, again;
static short seen;

static void *poller(void *arg)
{
	struct pollfd wanted = {.fd = ends[0], .events = POLLIN};
	int got;

	poller_up = 1;
	do {
		got = poll(&wanted, 1, -1);
		again += got < 0;
		if (got < 0 && errno != EINTR)
			FAIL("poll: %s", strerror(errno));
	} while (got < 0);
	seen = wanted.revents;
	return arg;
}

int main(void)
{
	pthread_t thread;

	CHECK_SYS(pipe(ends));
	thread = thread_start(poller, NULL);
	while (!poller_up)
		checkpoint_nap();
	checkpoint_nap();
	checkpoint_here();
	CHECK(again <= 1);
	CHECK_INT(write(ends[1], "x", 1), 1);
	thread_join(thread);
	CHECK_INT(seen, POLLIN);
	checkpoint_ok();
}
