/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shares tagged memory (MTE), where the machine has such.
 */
#include "checkpoint.h"

enum { PROT_TAGGED = 0x20 };

int main(void)
{
	volatile char *map =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_TAGGED,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char line[256] = "";

	/* Other machines do not mind a bit that they do not know. */
	if (map != MAP_FAILED) {
		map[0] = 1;
		smaps_line((char *)map, "VmFlags:", line, sizeof(line));
	}
	if (!strstr(line, " mt"))
		checkpoint_skip("no memory tags here");
	checkpoint_here();
	CHECK_INT(map[0], 1);
	checkpoint_ok();
}
