/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Executes itself again and again, until "go". */
#include "checkpoint.h"

int main(int argc, char **argv)
{
	char number[32];
	long rounds = argc > 1 ? atol(argv[1]) : 0;

	if (rounds == 0)
		checkpoint_mark("ready");
	if (checkpoint_seen("go"))
		checkpoint_ok();
	snprintf(number, sizeof(number), "%ld", rounds + 1);
	execl("/proc/self/exe", argv[0], number, (char *)NULL);
	FAIL("exec: %s", strerror(errno));
}
