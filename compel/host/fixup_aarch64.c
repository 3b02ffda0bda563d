/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>

#include "compel/host/fixup.h"

static void fixup_put_field(
	uint8_t *at, uint32_t value, unsigned int bits, unsigned int shift)
{
	uint32_t mask = ((1u << bits) - 1) << shift;

	fixup_put_bytes(
		at, (fixup_word(at) & ~mask) | (value << shift & mask), 4);
}

/* A distance counted in instructions. */
static int fixup_put_branch(
	uint8_t *at, int64_t value, unsigned int bits, unsigned int shift)
{
	if (value & 3)
		return -EINVAL;
	if (!fixup_fits(value, bits + 2))
		return -ERANGE;
	fixup_put_field(at, (uint32_t)(value >> 2), bits, shift);
	return 0;
}

static int fixup_put_b26(uint8_t *at, int64_t value)
{
	return fixup_put_branch(at, value, 26, 0);
}

static int fixup_put_b19(uint8_t *at, int64_t value)
{
	return fixup_put_branch(at, value, 19, 5);
}

static int fixup_put_b14(uint8_t *at, int64_t value)
{
	return fixup_put_branch(at, value, 14, 5);
}

/* adr and adrp split their number: two low bits at 29, the rest at 5. */
static int fixup_put_adr(uint8_t *at, int64_t value)
{
	if (!fixup_fits(value, 21))
		return -ERANGE;
	fixup_put_field(at, (uint32_t)value & 3, 2, 29);
	fixup_put_field(at, (uint32_t)(value >> 2), 19, 5);
	return 0;
}

static int fixup_put_adrp(uint8_t *at, int64_t value)
{
	return fixup_put_adr(at, value >> 12);
}

/* The offset of add, or of a load or store, which counts it in units of
 * its own size. */
static int fixup_put_low(uint8_t *at, int64_t value, unsigned int scale)
{
	if (value & ((1 << scale) - 1))
		return -EINVAL;
	fixup_put_field(at, (uint32_t)(value >> scale), 12, 10);
	return 0;
}

static int fixup_put_low8(uint8_t *at, int64_t value)
{
	return fixup_put_low(at, value, 0);
}

static int fixup_put_low16(uint8_t *at, int64_t value)
{
	return fixup_put_low(at, value, 1);
}

static int fixup_put_low32(uint8_t *at, int64_t value)
{
	return fixup_put_low(at, value, 2);
}

static int fixup_put_low64(uint8_t *at, int64_t value)
{
	return fixup_put_low(at, value, 3);
}

static int fixup_put_low128(uint8_t *at, int64_t value)
{
	return fixup_put_low(at, value, 4);
}

const struct fixup fixup_aarch64[] = {
	FIXUP_SKIP(R_AARCH64_NONE),
	FIXUP_KEEP(R_AARCH64_CALL26, FIXUP_RELATIVE, fixup_put_b26, 4),
	FIXUP_KEEP(R_AARCH64_JUMP26, FIXUP_RELATIVE, fixup_put_b26, 4),
	FIXUP_KEEP(R_AARCH64_CONDBR19, FIXUP_RELATIVE, fixup_put_b19, 4),
	FIXUP_KEEP(R_AARCH64_TSTBR14, FIXUP_RELATIVE, fixup_put_b14, 4),
	FIXUP_KEEP(R_AARCH64_LD_PREL_LO19, FIXUP_RELATIVE, fixup_put_b19, 4),
	FIXUP_KEEP(R_AARCH64_ADR_PREL_LO21, FIXUP_RELATIVE, fixup_put_adr, 4),
	FIXUP_KEEP(R_AARCH64_ADR_PREL_PG_HI21, FIXUP_PAGE, fixup_put_adrp, 4),
	FIXUP_KEEP(
		R_AARCH64_ADR_PREL_PG_HI21_NC, FIXUP_PAGE, fixup_put_adrp, 4),
	FIXUP_KEEP(
		R_AARCH64_ADD_ABS_LO12_NC, FIXUP_PAGE_LOW, fixup_put_low8, 4),
	FIXUP_KEEP(
		R_AARCH64_LDST8_ABS_LO12_NC, FIXUP_PAGE_LOW, fixup_put_low8, 4),
	FIXUP_KEEP(R_AARCH64_LDST16_ABS_LO12_NC, FIXUP_PAGE_LOW,
		fixup_put_low16, 4),
	FIXUP_KEEP(R_AARCH64_LDST32_ABS_LO12_NC, FIXUP_PAGE_LOW,
		fixup_put_low32, 4),
	FIXUP_KEEP(R_AARCH64_LDST64_ABS_LO12_NC, FIXUP_PAGE_LOW,
		fixup_put_low64, 4),
	FIXUP_KEEP(R_AARCH64_LDST128_ABS_LO12_NC, FIXUP_PAGE_LOW,
		fixup_put_low128, 4),
	FIXUP_KEEP(R_AARCH64_PREL16, FIXUP_RELATIVE, fixup_put_s16, 2),
	FIXUP_KEEP(R_AARCH64_PREL32, FIXUP_RELATIVE, fixup_put_s32, 4),
	FIXUP_KEEP(R_AARCH64_PREL64, FIXUP_RELATIVE, fixup_put_s64, 8),
	FIXUP_REFUSE(R_AARCH64_ABS64, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_AARCH64_ABS32, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_AARCH64_ABS16, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_AARCH64_MOVW_UABS_G0, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_AARCH64_MOVW_UABS_G0_NC, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_AARCH64_MOVW_UABS_G1, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_AARCH64_MOVW_UABS_G1_NC, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_AARCH64_MOVW_UABS_G2, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_AARCH64_MOVW_UABS_G2_NC, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_AARCH64_MOVW_UABS_G3, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_AARCH64_GOT_LD_PREL19, FIXUP_TABLE),
	FIXUP_REFUSE(R_AARCH64_ADR_GOT_PAGE, FIXUP_TABLE),
	FIXUP_REFUSE(R_AARCH64_LD64_GOT_LO12_NC, FIXUP_TABLE),
	FIXUP_REFUSE(R_AARCH64_LD64_GOTPAGE_LO15, FIXUP_TABLE),
	FIXUP_REFUSE(R_AARCH64_TLSGD_ADR_PAGE21, FIXUP_THREAD),
	FIXUP_REFUSE(R_AARCH64_TLSIE_ADR_GOTTPREL_PAGE21, FIXUP_THREAD),
	FIXUP_REFUSE(R_AARCH64_TLSLE_ADD_TPREL_HI12, FIXUP_THREAD),
	FIXUP_REFUSE(R_AARCH64_TLSLE_ADD_TPREL_LO12_NC, FIXUP_THREAD),
	FIXUP_REFUSE(R_AARCH64_TLSLE_ADD_TPREL_LO12, FIXUP_THREAD),
	FIXUP_REFUSE(R_AARCH64_TLSIE_LD64_GOTTPREL_LO12_NC, FIXUP_THREAD),
	FIXUP_REFUSE(R_AARCH64_TLSDESC_ADR_PAGE21, FIXUP_THREAD),
	FIXUP_REFUSE(R_AARCH64_TLSDESC_LD64_LO12, FIXUP_THREAD),
	FIXUP_REFUSE(R_AARCH64_TLSDESC_ADD_LO12, FIXUP_THREAD),
	FIXUP_REFUSE(R_AARCH64_TLSDESC_CALL, FIXUP_THREAD),
	FIXUP_REFUSE(R_AARCH64_RELATIVE, FIXUP_LOADER),
	FIXUP_REFUSE(R_AARCH64_GLOB_DAT, FIXUP_LOADER),
	FIXUP_REFUSE(R_AARCH64_JUMP_SLOT, FIXUP_LOADER),
	FIXUP_REFUSE(R_AARCH64_COPY, FIXUP_LOADER),
	FIXUP_REFUSE(R_AARCH64_IRELATIVE, FIXUP_LOADER),
	{0, FIXUP_NONE, NULL, NULL, 0},
};
