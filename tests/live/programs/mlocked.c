/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locked memory stays locked, and other memory unlocked. */
#include "checkpoint.h"

#define LEN (256u << 10)

int main(void)
{
	char *locked = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	char *unlocked;
	char flags[256];

	CHECK_SYS(mlock(locked, LEN / 2));
	unlocked = locked + LEN / 2;
	mem_fill(locked, LEN, 71);
	checkpoint_here();
	mem_verify(locked, LEN, 71, "locked");
	smaps_line(locked, "VmFlags:", flags, sizeof(flags));
	CHECK(strstr(flags, " lo") != NULL);
	CHECK_INT(smaps_kb(locked, "Locked:"), LEN / 2 / 1024);
	smaps_line(unlocked, "VmFlags:", flags, sizeof(flags));
	CHECK(strstr(flags, " lo") == NULL);
	checkpoint_ok();
}
