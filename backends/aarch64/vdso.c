/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aarch64/aarch64.h"

#include <string.h>

/* Not __kernel_rt_sigreturn: it needs no data, so the old one goes on. */
const char *const aarch64_vdso_symbols[] = {
	"__kernel_clock_gettime",
	"__kernel_gettimeofday",
	"__kernel_clock_getres",
	"__kernel_getrandom", /* since Linux 6.12 */
	NULL,
};

/* bti c; ldr x16, . + 8; br x16; the address. The first does nothing unless
 * the old vdso was marked for it (PROT_BTI). x16 is made for jumps like this
 * one: a br through it may land on the bti c of a function. */
size_t aarch64_vdso_jump(uint8_t out[32], uint64_t from, uint64_t to)
{
	static const uint8_t code[] = {
		0x5f, 0x24, 0x03, 0xd5, /* bti c */
		0x50, 0x00, 0x00, 0x58, /* ldr x16, . + 8 */
		0x00, 0x02, 0x1f, 0xd6, /* br x16 */
	};

	(void)from;
	memcpy(out, code, sizeof(code));
	for (unsigned int i = 0; i < 8; i++)
		out[sizeof(code) + i] = (uint8_t)(to >> (8 * i));
	return sizeof(code) + 8;
}
