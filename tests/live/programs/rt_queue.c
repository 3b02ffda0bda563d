/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A queue of hundreds of real-time signals keeps order and values. */
#include "checkpoint.h"

#define COUNT 600

int main(void)
{
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 4);
	sigaddset(&set, SIGRTMIN + 5);
	CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
	for (int i = 0; i < COUNT; i++) {
		union sigval value = {.sival_int = i};

		CHECK_SYS(sigqueue(getpid(), SIGRTMIN + 4 + i % 2, value));
	}
	checkpoint_here();
	for (int i = 0; i < COUNT; i++) {
		int odd = i >= COUNT / 2;
		int want = odd ? (i - COUNT / 2) * 2 + 1 : i * 2;

		CHECK_INT(sigtimedwait(&set, &info, &(struct timespec){0, 0}),
			SIGRTMIN + 4 + odd);
		CHECK_INT(info.si_value.sival_int, want);
	}
	CHECK(sigtimedwait(&set, &info, &(struct timespec){0, 0}) < 0);
	checkpoint_ok();
}
