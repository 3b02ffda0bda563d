/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process dumped inside nested signal handlers unwinds them all. */
#include "checkpoint.h"

static volatile int depth, unwound;

static void handler(int number)
{
	double mine = number * 1.25;

	if (++depth == 1)
		raise(SIGUSR2);
	else
		checkpoint_here();
	CHECK(mine == number * 1.25);
	unwound++;
}

int main(void)
{
	double outer = getpid() * 0.5;

	signal(SIGUSR1, handler);
	signal(SIGUSR2, handler);
	raise(SIGUSR1);
	CHECK_INT(unwound, 2);
	CHECK(outer == getpid() * 0.5);
	checkpoint_ok();
}
