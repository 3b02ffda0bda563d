/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What waits in a system call made by scv waits on, its registers kept. */
#include "restart.h"

#include <sys/auxv.h>

RESTART_MAKE("scv 0");

int main(void)
{
	if (!(getauxval(AT_HWCAP2) & PPC_FEATURE2_SCV))
		checkpoint_skip("this CPU or kernel has no scv");
	restart_show(true);
}
