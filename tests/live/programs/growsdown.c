/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mapping that grows down still grows. */
#include "checkpoint.h"

#define ROOM (512u * 4 * PAGE)
#define LEN (4u * PAGE)

int main(void)
{
	char *room = mem_map(ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
	char *top = room + ROOM - LEN;
	char flags[256];

	CHECK_SYS(munmap(room, ROOM));
	CHECK_MAP(mmap(top, LEN, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN |
			MAP_STACK,
		-1, 0));
	mem_fill(top, LEN, 61);
	top[-PAGE] = 7;
	checkpoint_here();
	mem_verify(top, LEN, 61, "top");
	CHECK_INT(top[-PAGE], 7);
	smaps_line(top, "VmFlags:", flags, sizeof(flags));
	CHECK(strstr(flags, " gd") != NULL);
	for (int i = 2; i < 40; i++)
		top[-PAGE * i] = (char)i;
	CHECK_INT(top[-PAGE * 20], 20);
	checkpoint_ok();
}
