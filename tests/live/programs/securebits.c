/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The secure bits stay. */
#include "checkpoint.h"
#include <linux/securebits.h>

int main(void)
{
	int bits = SECBIT_NO_SETUID_FIXUP | SECBIT_NOROOT_LOCKED;

	CHECK_SYS(prctl(PR_SET_SECUREBITS, bits));
	checkpoint_here();
	CHECK_INT(prctl(PR_GET_SECUREBITS), bits);
	checkpoint_ok();
}
