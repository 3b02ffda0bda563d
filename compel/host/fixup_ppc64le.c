/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>

#include "compel/host/fixup.h"

/* Not in glibc 2.36's elf.h: a call that does without a TOC. */
#ifndef R_PPC64_REL24_NOTOC
#define R_PPC64_REL24_NOTOC 116
#endif
#ifndef R_PPC64_ENTRY
#define R_PPC64_ENTRY 118
#endif

static int fixup_put_masked(
	uint8_t *at, int64_t value, unsigned int bits, uint32_t mask)
{
	if (value & 3)
		return -EINVAL;
	if (!fixup_fits(value, bits))
		return -ERANGE;
	fixup_put_bytes(
		at, (fixup_word(at) & ~mask) | ((uint32_t)value & mask), 4);
	return 0;
}

static int fixup_put_b24(uint8_t *at, int64_t value)
{
	return fixup_put_masked(at, value, 26, 0x03fffffc);
}

static int fixup_put_b14(uint8_t *at, int64_t value)
{
	return fixup_put_masked(at, value, 16, 0x0000fffc);
}

static int fixup_put_lo(uint8_t *at, int64_t value)
{
	fixup_put_bytes(at, (uint64_t)value, 2);
	return 0;
}

static int fixup_put_hi(uint8_t *at, int64_t value)
{
	if (!fixup_fits(value, 32))
		return -ERANGE;
	return fixup_put_lo(at, value >> 16);
}

/* High half, made for a low half that will be added as a signed number. */
static int fixup_put_ha(uint8_t *at, int64_t value)
{
	return fixup_put_hi(at, value + 0x8000);
}

/* The two low bits of such an offset belong to the instruction. */
static int fixup_put_lo_ds(uint8_t *at, int64_t value)
{
	if (value & 3)
		return -EINVAL;
	fixup_put_bytes(at, ((uint64_t)value & 0xfffc) | (at[0] & 3), 2);
	return 0;
}

static int fixup_put_ds(uint8_t *at, int64_t value)
{
	if (!fixup_fits(value, 16))
		return -ERANGE;
	return fixup_put_lo_ds(at, value);
}

const struct fixup fixup_ppc64le[] = {
	FIXUP_SKIP(R_PPC64_NONE),
	FIXUP_SKIP(R_PPC64_TOCSAVE),
	FIXUP_SKIP(R_PPC64_ENTRY),
	FIXUP_KEEP(R_PPC64_REL24, FIXUP_CALL, fixup_put_b24, 4),
	FIXUP_KEEP(R_PPC64_REL24_NOTOC, FIXUP_CALL, fixup_put_b24, 4),
	FIXUP_KEEP(R_PPC64_REL14, FIXUP_CALL, fixup_put_b14, 4),
	FIXUP_KEEP(R_PPC64_REL32, FIXUP_RELATIVE, fixup_put_s32, 4),
	FIXUP_KEEP(R_PPC64_REL64, FIXUP_RELATIVE, fixup_put_s64, 8),
	FIXUP_KEEP(R_PPC64_REL16, FIXUP_RELATIVE, fixup_put_s16, 2),
	FIXUP_KEEP(R_PPC64_REL16_LO, FIXUP_RELATIVE, fixup_put_lo, 2),
	FIXUP_KEEP(R_PPC64_REL16_HI, FIXUP_RELATIVE, fixup_put_hi, 2),
	FIXUP_KEEP(R_PPC64_REL16_HA, FIXUP_RELATIVE, fixup_put_ha, 2),
	FIXUP_KEEP(R_PPC64_TOC16, FIXUP_TOC, fixup_put_s16, 2),
	FIXUP_KEEP(R_PPC64_TOC16_LO, FIXUP_TOC, fixup_put_lo, 2),
	FIXUP_KEEP(R_PPC64_TOC16_HI, FIXUP_TOC, fixup_put_hi, 2),
	FIXUP_KEEP(R_PPC64_TOC16_HA, FIXUP_TOC, fixup_put_ha, 2),
	FIXUP_KEEP(R_PPC64_TOC16_DS, FIXUP_TOC, fixup_put_ds, 2),
	FIXUP_KEEP(R_PPC64_TOC16_LO_DS, FIXUP_TOC, fixup_put_lo_ds, 2),
	FIXUP_REFUSE(R_PPC64_ADDR64, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_PPC64_ADDR32, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_PPC64_ADDR24, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_PPC64_ADDR14, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_PPC64_ADDR16, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_PPC64_ADDR16_LO, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_PPC64_ADDR16_HI, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_PPC64_ADDR16_HA, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_PPC64_ADDR16_DS, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_PPC64_ADDR16_LO_DS, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_PPC64_ADDR16_HIGHER, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_PPC64_ADDR16_HIGHERA, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_PPC64_ADDR16_HIGHEST, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_PPC64_ADDR16_HIGHESTA, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_PPC64_UADDR64, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_PPC64_UADDR32, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_PPC64_TOC, FIXUP_ABSOLUTE),
	FIXUP_REFUSE(R_PPC64_GOT16, FIXUP_TABLE),
	FIXUP_REFUSE(R_PPC64_GOT16_LO, FIXUP_TABLE),
	FIXUP_REFUSE(R_PPC64_GOT16_HI, FIXUP_TABLE),
	FIXUP_REFUSE(R_PPC64_GOT16_HA, FIXUP_TABLE),
	FIXUP_REFUSE(R_PPC64_GOT16_DS, FIXUP_TABLE),
	FIXUP_REFUSE(R_PPC64_GOT16_LO_DS, FIXUP_TABLE),
	FIXUP_REFUSE(R_PPC64_TLS, FIXUP_THREAD),
	FIXUP_REFUSE(R_PPC64_TPREL16_HA, FIXUP_THREAD),
	FIXUP_REFUSE(R_PPC64_TPREL16_LO, FIXUP_THREAD),
	FIXUP_REFUSE(R_PPC64_TPREL16_LO_DS, FIXUP_THREAD),
	FIXUP_REFUSE(R_PPC64_GOT_TPREL16_HA, FIXUP_THREAD),
	FIXUP_REFUSE(R_PPC64_GOT_TPREL16_LO_DS, FIXUP_THREAD),
	FIXUP_REFUSE(R_PPC64_GOT_TLSLD16_HA, FIXUP_THREAD),
	FIXUP_REFUSE(R_PPC64_GOT_TLSLD16_LO, FIXUP_THREAD),
	FIXUP_REFUSE(R_PPC64_DTPREL16_HA, FIXUP_THREAD),
	FIXUP_REFUSE(R_PPC64_DTPREL16_LO, FIXUP_THREAD),
	FIXUP_REFUSE(R_PPC64_DTPREL16_LO_DS, FIXUP_THREAD),
	FIXUP_REFUSE(R_PPC64_TLSGD, FIXUP_THREAD),
	FIXUP_REFUSE(R_PPC64_TLSLD, FIXUP_THREAD),
	FIXUP_REFUSE(R_PPC64_GOT_TLSGD16_HA, FIXUP_THREAD),
	FIXUP_REFUSE(R_PPC64_GOT_TLSGD16_LO, FIXUP_THREAD),
	FIXUP_REFUSE(R_PPC64_RELATIVE, FIXUP_LOADER),
	FIXUP_REFUSE(R_PPC64_GLOB_DAT, FIXUP_LOADER),
	FIXUP_REFUSE(R_PPC64_JMP_SLOT, FIXUP_LOADER),
	FIXUP_REFUSE(R_PPC64_COPY, FIXUP_LOADER),
	FIXUP_REFUSE(R_PPC64_IRELATIVE, FIXUP_LOADER),
	{0, FIXUP_NONE, NULL, NULL, 0},
};
