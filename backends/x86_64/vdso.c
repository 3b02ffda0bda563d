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
	/* Seen in 7.3. Who dies in there is helped by the kernel that knows
	 * the address. */
	"__vdso_futex_robust_list64_try_unlock",
	"__vdso_futex_robust_list32_try_unlock",
	NULL,
};

/*
 * movabs $to, %rax; jmp *%rax. rax holds no argument of these functions. No
 * endbr64 in front: user space has no indirect branch tracking as of Linux
 * 7.3, and the shortest function (of 14 bytes) has little room.
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
