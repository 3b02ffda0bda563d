/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ppc64le/ppc64le.h"

/* Not the signal trampolines and the cache sync: they need no data, so the
 * old ones go on. */
const char *const ppc64le_vdso_symbols[] = {
	"__kernel_clock_gettime",
	"__kernel_clock_getres",
	"__kernel_gettimeofday",
	"__kernel_time",
	"__kernel_getcpu",
	"__kernel_get_tbfreq",
	"__kernel_get_syscall_map",
	"__kernel_getrandom", /* since Linux 6.12 */
	NULL,
};

static uint8_t *insn_put(uint8_t *out, uint32_t insn)
{
	for (unsigned int i = 0; i < 4; i++)
		*out++ = (uint8_t)(insn >> (8 * i));
	return out;
}

/* The address in r12, as a function at its global entry expects it, built of
 * four 16-bit pieces; then a jump through CTR. */
size_t ppc64le_vdso_jump(uint8_t out[32], uint64_t from, uint64_t to)
{
	uint8_t *at = out;

	(void)from;
	at = insn_put(at, 0x3d800000 | (uint32_t)(to >> 48 & 0xffff));
	at = insn_put(at, 0x618c0000 | (uint32_t)(to >> 32 & 0xffff));
	at = insn_put(at, 0x798c07c6); /* sldi r12, r12, 32 */
	at = insn_put(at, 0x658c0000 | (uint32_t)(to >> 16 & 0xffff));
	at = insn_put(at, 0x618c0000 | (uint32_t)(to & 0xffff));
	at = insn_put(at, 0x7d8903a6); /* mtctr r12 */
	at = insn_put(at, 0x4e800420); /* bctr */
	return (size_t)(at - out);
}
