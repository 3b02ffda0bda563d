/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include <stddef.h>

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

static int fixup_put_half(uint8_t *at, int64_t value)
{
	if (!fixup_fits(value, 16))
		return -ERANGE;
	fixup_put_bytes(at, (uint64_t)value, 2);
	return 0;
}

static int fixup_put_word(uint8_t *at, int64_t value)
{
	if (!fixup_fits(value, 32))
		return -ERANGE;
	fixup_put_bytes(at, (uint64_t)value, 4);
	return 0;
}

static int fixup_put_double(uint8_t *at, int64_t value)
{
	fixup_put_bytes(at, (uint64_t)value, 8);
	return 0;
}

#define TYPE(type) R_AARCH64_##type
#define NONE(type)                                                  \
	{                                                           \
		TYPE(type), FIXUP_NONE, "R_AARCH64_" #type, NULL, 0 \
	}
#define KEEP(type, kind, put, size)                             \
	{                                                       \
		TYPE(type), kind, "R_AARCH64_" #type, put, size \
	}
#define REFUSE(type, kind)                                    \
	{                                                     \
		TYPE(type), kind, "R_AARCH64_" #type, NULL, 0 \
	}

const struct fixup fixup_aarch64[] = {
	NONE(NONE),
	KEEP(CALL26, FIXUP_RELATIVE, fixup_put_b26, 4),
	KEEP(JUMP26, FIXUP_RELATIVE, fixup_put_b26, 4),
	KEEP(CONDBR19, FIXUP_RELATIVE, fixup_put_b19, 4),
	KEEP(TSTBR14, FIXUP_RELATIVE, fixup_put_b14, 4),
	KEEP(LD_PREL_LO19, FIXUP_RELATIVE, fixup_put_b19, 4),
	KEEP(ADR_PREL_LO21, FIXUP_RELATIVE, fixup_put_adr, 4),
	KEEP(ADR_PREL_PG_HI21, FIXUP_PAGE, fixup_put_adrp, 4),
	KEEP(ADR_PREL_PG_HI21_NC, FIXUP_PAGE, fixup_put_adrp, 4),
	KEEP(ADD_ABS_LO12_NC, FIXUP_PAGE_LOW, fixup_put_low8, 4),
	KEEP(LDST8_ABS_LO12_NC, FIXUP_PAGE_LOW, fixup_put_low8, 4),
	KEEP(LDST16_ABS_LO12_NC, FIXUP_PAGE_LOW, fixup_put_low16, 4),
	KEEP(LDST32_ABS_LO12_NC, FIXUP_PAGE_LOW, fixup_put_low32, 4),
	KEEP(LDST64_ABS_LO12_NC, FIXUP_PAGE_LOW, fixup_put_low64, 4),
	KEEP(LDST128_ABS_LO12_NC, FIXUP_PAGE_LOW, fixup_put_low128, 4),
	KEEP(PREL16, FIXUP_RELATIVE, fixup_put_half, 2),
	KEEP(PREL32, FIXUP_RELATIVE, fixup_put_word, 4),
	KEEP(PREL64, FIXUP_RELATIVE, fixup_put_double, 8),
	REFUSE(ABS64, FIXUP_ABSOLUTE),
	REFUSE(ABS32, FIXUP_ABSOLUTE),
	REFUSE(ABS16, FIXUP_ABSOLUTE),
	REFUSE(MOVW_UABS_G0, FIXUP_ABSOLUTE),
	REFUSE(MOVW_UABS_G0_NC, FIXUP_ABSOLUTE),
	REFUSE(MOVW_UABS_G1, FIXUP_ABSOLUTE),
	REFUSE(MOVW_UABS_G1_NC, FIXUP_ABSOLUTE),
	REFUSE(MOVW_UABS_G2, FIXUP_ABSOLUTE),
	REFUSE(MOVW_UABS_G2_NC, FIXUP_ABSOLUTE),
	REFUSE(MOVW_UABS_G3, FIXUP_ABSOLUTE),
	REFUSE(GOT_LD_PREL19, FIXUP_TABLE),
	REFUSE(ADR_GOT_PAGE, FIXUP_TABLE),
	REFUSE(LD64_GOT_LO12_NC, FIXUP_TABLE),
	REFUSE(LD64_GOTPAGE_LO15, FIXUP_TABLE),
	REFUSE(TLSGD_ADR_PAGE21, FIXUP_THREAD),
	REFUSE(TLSIE_ADR_GOTTPREL_PAGE21, FIXUP_THREAD),
	REFUSE(TLSLE_ADD_TPREL_HI12, FIXUP_THREAD),
	REFUSE(TLSLE_ADD_TPREL_LO12_NC, FIXUP_THREAD),
	REFUSE(TLSLE_ADD_TPREL_LO12, FIXUP_THREAD),
	REFUSE(TLSIE_LD64_GOTTPREL_LO12_NC, FIXUP_THREAD),
	REFUSE(TLSDESC_ADR_PAGE21, FIXUP_THREAD),
	REFUSE(TLSDESC_LD64_LO12, FIXUP_THREAD),
	REFUSE(TLSDESC_ADD_LO12, FIXUP_THREAD),
	REFUSE(TLSDESC_CALL, FIXUP_THREAD),
	REFUSE(RELATIVE, FIXUP_LOADER),
	REFUSE(GLOB_DAT, FIXUP_LOADER),
	REFUSE(JUMP_SLOT, FIXUP_LOADER),
	REFUSE(COPY, FIXUP_LOADER),
	REFUSE(IRELATIVE, FIXUP_LOADER),
	{0, FIXUP_NONE, NULL, NULL, 0},
};
