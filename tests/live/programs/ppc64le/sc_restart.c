/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What waits in a system call made by sc waits on, its registers kept. */
#include "restart.h"

RESTART_MAKE("sc");

int main(void)
{
	restart_show(false);
}
