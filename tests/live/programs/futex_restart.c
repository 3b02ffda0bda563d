/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread in FUTEX_WAIT is restarted there and can be woken. */
#include "checkpoint.h"
#include <linux/futex.h>

static volatile int word, waiter_up;
static long wait_result, wait_errno;

static void *waiter(void *arg)
{
	waiter_up = 1;
	wait_result =
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	wait_errno = errno;
	return arg;
}

int main(void)
{
	long long limit;
	pthread_t thread = thread_start(waiter, NULL);
	long woken = 0;

	while (!waiter_up)
		checkpoint_nap();
	checkpoint_nap();
	checkpoint_here();
	limit = clock_ms() + 3000;
	while (woken == 0 && clock_ms() < limit) {
		woken = CHECK_SYS(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE,
			1, NULL, NULL, 0));
		checkpoint_nap();
	}
	CHECK_INT(woken, 1);
	thread_join(thread);
	if (wait_result != 0)
		FAIL("FUTEX_WAIT: %s", strerror((int)wait_errno));
	checkpoint_ok();
}
