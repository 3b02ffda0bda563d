/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All resource limits stay. */
#include "checkpoint.h"
#include <sys/resource.h>

int main(void)
{
	struct rlimit before[RLIM_NLIMITS], after;

	CHECK_SYS(setrlimit(RLIMIT_NOFILE, &(struct rlimit){123, 456}));
	CHECK_SYS(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 4096}));
	CHECK_SYS(setrlimit(
		RLIMIT_FSIZE, &(struct rlimit){1 << 30, RLIM_INFINITY}));
	CHECK_SYS(setrlimit(RLIMIT_STACK, &(struct rlimit){4 << 20, 6 << 20}));
	for (unsigned int i = 0; i < RLIM_NLIMITS; i++)
		CHECK_SYS(getrlimit((int)i, &before[i]));
	checkpoint_here();
	for (unsigned int i = 0; i < RLIM_NLIMITS; i++) {
		CHECK_SYS(getrlimit((int)i, &after));
		if (after.rlim_cur != before[i].rlim_cur ||
			after.rlim_max != before[i].rlim_max)
			FAIL("limit %u is %llx/%llx, not %llx/%llx", i,
				(long long)after.rlim_cur,
				(long long)after.rlim_max,
				(long long)before[i].rlim_cur,
				(long long)before[i].rlim_max);
	}
	checkpoint_ok();
}
