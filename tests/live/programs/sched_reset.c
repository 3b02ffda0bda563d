/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What children do not inherit of a policy is not theirs afterwards, either. */
#include "checkpoint.h"

static void child(int number)
{
	(void)number;
	CHECK_INT(sched_getscheduler(0), SCHED_OTHER);
}

int main(void)
{
	int policy = SCHED_FIFO | SCHED_RESET_ON_FORK;
	struct sched_param param = {.sched_priority = 5};

	if (sched_setscheduler(0, policy, &param))
		checkpoint_skip("no real-time policy for us");
	checkpoint_here();
	CHECK_INT(sched_getscheduler(0), policy);
	CHECK_SYS(sched_getparam(0, &param));
	CHECK_INT(param.sched_priority, 5);
	child_join(child_start(child, 0));
	checkpoint_ok();
}
