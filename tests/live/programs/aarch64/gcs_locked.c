/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guarded control stacks that were locked while off stay off for ever. */
#include "checkpoint.h"

enum { PRCTL_SET_STATUS = 75, PRCTL_LOCK_STATUS = 76, STATUS_ON = 1 };

int main(void)
{
	if (prctl(PRCTL_LOCK_STATUS, STATUS_ON, 0, 0, 0) < 0)
		checkpoint_skip("this CPU or kernel has no guarded control "
				"stacks");
	checkpoint_here();
	/* Were it to succeed, the return from prctl would be the end. */
	CHECK_INT(prctl(PRCTL_SET_STATUS, STATUS_ON, 0, 0, 0), -1);
	CHECK_INT(errno, EBUSY);
	checkpoint_ok();
}
