/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locked memory stays locked, and other memory unlocked; what is locked when
 * it is touched is not touched. */
#include "checkpoint.h"

#define LEN (256u << 10)

int main(void)
{
	char *lazy = mem_map(2 * LEN + PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS);
	char *between = lazy + LEN, *locked = between + PAGE;
	char *unlocked;
	char flags[256], before[256];

	/* Without the letters, the two locked ones could become one area. */
	CHECK_SYS(mprotect(between, PAGE, PROT_NONE));
	CHECK_SYS(mlock(locked, LEN / 2));
	unlocked = locked + LEN / 2;
	mem_fill(locked, LEN, 71);
	CHECK_SYS(mlock2(lazy, LEN, MLOCK_ONFAULT));
	mem_fill(lazy, PAGE, 72);
	smaps_line(lazy, "VmFlags:", before, sizeof(before));
	checkpoint_here();
	mem_verify(locked, LEN, 71, "locked");
	smaps_line(locked, "VmFlags:", flags, sizeof(flags));
	CHECK(strstr(flags, " lo") != NULL);
	CHECK_INT(smaps_kb(locked, "Locked:"), LEN / 2 / 1024);
	smaps_line(unlocked, "VmFlags:", flags, sizeof(flags));
	CHECK(strstr(flags, " lo") == NULL);
	smaps_line(lazy, "VmFlags:", flags, sizeof(flags));
	CHECK(strstr(flags, " lo") != NULL);
	mem_verify(lazy, PAGE, 72, "lazy");
	/* Kernels without the letters do not tell. */
	if (strstr(before, " lf")) {
		CHECK_STR(flags, before);
		CHECK_INT(smaps_kb(lazy, "Locked:"), PAGE / 1024);
	}
	checkpoint_ok();
}
