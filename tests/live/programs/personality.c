/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The personality of the process stays. */
#include "checkpoint.h"
#include <sys/personality.h>

int main(void)
{
	CHECK_SYS(personality(ADDR_NO_RANDOMIZE | UNAME26));
	checkpoint_here();
	CHECK_INT(personality(0xffffffff), ADDR_NO_RANDOMIZE | UNAME26);
	checkpoint_ok();
}
