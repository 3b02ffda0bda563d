/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ticking interval timer goes on ticking after restore. */
#include "checkpoint.h"
#include <sys/time.h>

static volatile int alarms;

static void handler(int number)
{
	(void)number;
	alarms++;
}

int main(void)
{
	struct itimerval tick = {{0, 20000}, {0, 20000}};
	long long limit;
	int before;

	CHECK(signal(SIGALRM, handler) != SIG_ERR);
	CHECK_SYS(setitimer(ITIMER_REAL, &tick, NULL));
	while (alarms < 3)
		checkpoint_nap();
	checkpoint_here();
	before = alarms;
	limit = clock_ms() + 3000;
	while (alarms < before + 5 && clock_ms() < limit)
		checkpoint_nap();
	CHECK(alarms >= before + 5);
	checkpoint_ok();
}
