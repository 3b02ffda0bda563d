/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include <stddef.h>

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

static int fixup_put_half(uint8_t *at, int64_t value)
{
	if (!fixup_fits(value, 16))
		return -ERANGE;
	return fixup_put_lo(at, value);
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

#define TYPE(type) R_PPC64_##type
#define NONE(type)                                                \
	{                                                         \
		TYPE(type), FIXUP_NONE, "R_PPC64_" #type, NULL, 0 \
	}
#define KEEP(type, kind, put, size)                           \
	{                                                     \
		TYPE(type), kind, "R_PPC64_" #type, put, size \
	}
#define REFUSE(type, kind)                                  \
	{                                                   \
		TYPE(type), kind, "R_PPC64_" #type, NULL, 0 \
	}

const struct fixup fixup_ppc64le[] = {
	NONE(NONE),
	NONE(TOCSAVE),
	NONE(ENTRY),
	KEEP(REL24, FIXUP_CALL, fixup_put_b24, 4),
	KEEP(REL24_NOTOC, FIXUP_CALL, fixup_put_b24, 4),
	KEEP(REL14, FIXUP_CALL, fixup_put_b14, 4),
	KEEP(REL32, FIXUP_RELATIVE, fixup_put_word, 4),
	KEEP(REL64, FIXUP_RELATIVE, fixup_put_double, 8),
	KEEP(REL16, FIXUP_RELATIVE, fixup_put_half, 2),
	KEEP(REL16_LO, FIXUP_RELATIVE, fixup_put_lo, 2),
	KEEP(REL16_HI, FIXUP_RELATIVE, fixup_put_hi, 2),
	KEEP(REL16_HA, FIXUP_RELATIVE, fixup_put_ha, 2),
	KEEP(TOC16, FIXUP_TOC, fixup_put_half, 2),
	KEEP(TOC16_LO, FIXUP_TOC, fixup_put_lo, 2),
	KEEP(TOC16_HI, FIXUP_TOC, fixup_put_hi, 2),
	KEEP(TOC16_HA, FIXUP_TOC, fixup_put_ha, 2),
	KEEP(TOC16_DS, FIXUP_TOC, fixup_put_ds, 2),
	KEEP(TOC16_LO_DS, FIXUP_TOC, fixup_put_lo_ds, 2),
	REFUSE(ADDR64, FIXUP_ABSOLUTE),
	REFUSE(ADDR32, FIXUP_ABSOLUTE),
	REFUSE(ADDR24, FIXUP_ABSOLUTE),
	REFUSE(ADDR14, FIXUP_ABSOLUTE),
	REFUSE(ADDR16, FIXUP_ABSOLUTE),
	REFUSE(ADDR16_LO, FIXUP_ABSOLUTE),
	REFUSE(ADDR16_HI, FIXUP_ABSOLUTE),
	REFUSE(ADDR16_HA, FIXUP_ABSOLUTE),
	REFUSE(ADDR16_DS, FIXUP_ABSOLUTE),
	REFUSE(ADDR16_LO_DS, FIXUP_ABSOLUTE),
	REFUSE(ADDR16_HIGHER, FIXUP_ABSOLUTE),
	REFUSE(ADDR16_HIGHERA, FIXUP_ABSOLUTE),
	REFUSE(ADDR16_HIGHEST, FIXUP_ABSOLUTE),
	REFUSE(ADDR16_HIGHESTA, FIXUP_ABSOLUTE),
	REFUSE(UADDR64, FIXUP_ABSOLUTE),
	REFUSE(UADDR32, FIXUP_ABSOLUTE),
	REFUSE(TOC, FIXUP_ABSOLUTE),
	REFUSE(GOT16, FIXUP_TABLE),
	REFUSE(GOT16_LO, FIXUP_TABLE),
	REFUSE(GOT16_HI, FIXUP_TABLE),
	REFUSE(GOT16_HA, FIXUP_TABLE),
	REFUSE(GOT16_DS, FIXUP_TABLE),
	REFUSE(GOT16_LO_DS, FIXUP_TABLE),
	REFUSE(TLS, FIXUP_THREAD),
	REFUSE(TPREL16_HA, FIXUP_THREAD),
	REFUSE(TPREL16_LO, FIXUP_THREAD),
	REFUSE(TPREL16_LO_DS, FIXUP_THREAD),
	REFUSE(GOT_TPREL16_HA, FIXUP_THREAD),
	REFUSE(GOT_TPREL16_LO_DS, FIXUP_THREAD),
	REFUSE(GOT_TLSLD16_HA, FIXUP_THREAD),
	REFUSE(GOT_TLSLD16_LO, FIXUP_THREAD),
	REFUSE(DTPREL16_HA, FIXUP_THREAD),
	REFUSE(DTPREL16_LO, FIXUP_THREAD),
	REFUSE(DTPREL16_LO_DS, FIXUP_THREAD),
	REFUSE(TLSGD, FIXUP_THREAD),
	REFUSE(TLSLD, FIXUP_THREAD),
	REFUSE(GOT_TLSGD16_HA, FIXUP_THREAD),
	REFUSE(GOT_TLSGD16_LO, FIXUP_THREAD),
	REFUSE(RELATIVE, FIXUP_LOADER),
	REFUSE(GLOB_DAT, FIXUP_LOADER),
	REFUSE(JMP_SLOT, FIXUP_LOADER),
	REFUSE(COPY, FIXUP_LOADER),
	REFUSE(IRELATIVE, FIXUP_LOADER),
	{0, FIXUP_NONE, NULL, NULL, 0},
};
