/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "x86_64/x86_64.h"

#include <string.h>

const char *const x86_64_vdso_symbols[] = {
	"__vdso_clock_gettime",
	"__vdso_gettimeofday",
	"__vdso_time",
	"__vdso_getcpu",
	"__vdso_clock_getres",
	"__vdso_getrandom", /* since Linux 6.11 */
	NULL,
};

/*
 * movabs $to, %rax; jmp *%rax. rax holds no argument of these functions. No
 * endbr64 in front: user space has no indirect branch tracking as of Linux
 * 6.18, and the shortest function (getcpu) has little room.
 */
size_t x86_64_vdso_jump(uint8_t out[32], uint64_t from, uint64_t to)
{
	static const uint8_t movabs[] = {0x48, 0xb8}, jump[] = {0xff, 0xe0};

	(void)from;
	memcpy(out, movabs, sizeof(movabs));
	for (unsigned int i = 0; i < 8; i++)
		out[2 + i] = (uint8_t)(to >> (8 * i));
	memcpy(out + 10, jump, sizeof(jump));
	return 12;
}
