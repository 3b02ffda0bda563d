/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include <stddef.h>

#include "compel/host/fixup.h"

static int fixup_put_signed(uint8_t *at, int64_t value, unsigned int size)
{
	if (size < 8 && !fixup_fits(value, size * 8))
		return -ERANGE;
	fixup_put_bytes(at, (uint64_t)value, size);
	return 0;
}

static int fixup_put_s8(uint8_t *at, int64_t value)
{
	return fixup_put_signed(at, value, 1);
}

static int fixup_put_s16(uint8_t *at, int64_t value)
{
	return fixup_put_signed(at, value, 2);
}

static int fixup_put_s32(uint8_t *at, int64_t value)
{
	return fixup_put_signed(at, value, 4);
}

static int fixup_put_s64(uint8_t *at, int64_t value)
{
	return fixup_put_signed(at, value, 8);
}

#define NONE(type)                               \
	{                                        \
		type, FIXUP_NONE, #type, NULL, 0 \
	}
#define KEEP(type, kind, put, size)          \
	{                                    \
		type, kind, #type, put, size \
	}
#define REFUSE(type, kind)                 \
	{                                  \
		type, kind, #type, NULL, 0 \
	}

const struct fixup fixup_x86_64[] = {
	NONE(R_X86_64_NONE),
	KEEP(R_X86_64_PC8, FIXUP_RELATIVE, fixup_put_s8, 1),
	KEEP(R_X86_64_PC16, FIXUP_RELATIVE, fixup_put_s16, 2),
	KEEP(R_X86_64_PC32, FIXUP_RELATIVE, fixup_put_s32, 4),
	KEEP(R_X86_64_PLT32, FIXUP_RELATIVE, fixup_put_s32, 4),
	KEEP(R_X86_64_PC64, FIXUP_RELATIVE, fixup_put_s64, 8),
	REFUSE(R_X86_64_64, FIXUP_ABSOLUTE),
	REFUSE(R_X86_64_32, FIXUP_ABSOLUTE),
	REFUSE(R_X86_64_32S, FIXUP_ABSOLUTE),
	REFUSE(R_X86_64_16, FIXUP_ABSOLUTE),
	REFUSE(R_X86_64_8, FIXUP_ABSOLUTE),
	REFUSE(R_X86_64_GOT32, FIXUP_TABLE),
	REFUSE(R_X86_64_GOT64, FIXUP_TABLE),
	REFUSE(R_X86_64_GOTPCREL, FIXUP_TABLE),
	REFUSE(R_X86_64_GOTPCREL64, FIXUP_TABLE),
	REFUSE(R_X86_64_GOTPCRELX, FIXUP_TABLE),
	REFUSE(R_X86_64_REX_GOTPCRELX, FIXUP_TABLE),
	REFUSE(R_X86_64_GOTPC32, FIXUP_TABLE),
	REFUSE(R_X86_64_GOTPC64, FIXUP_TABLE),
	REFUSE(R_X86_64_GOTOFF64, FIXUP_TABLE),
	REFUSE(R_X86_64_GOTPLT64, FIXUP_TABLE),
	REFUSE(R_X86_64_PLTOFF64, FIXUP_TABLE),
	REFUSE(R_X86_64_TLSGD, FIXUP_THREAD),
	REFUSE(R_X86_64_TLSLD, FIXUP_THREAD),
	REFUSE(R_X86_64_GOTTPOFF, FIXUP_THREAD),
	REFUSE(R_X86_64_TPOFF32, FIXUP_THREAD),
	REFUSE(R_X86_64_TPOFF64, FIXUP_THREAD),
	REFUSE(R_X86_64_DTPOFF32, FIXUP_THREAD),
	REFUSE(R_X86_64_DTPOFF64, FIXUP_THREAD),
	REFUSE(R_X86_64_DTPMOD64, FIXUP_THREAD),
	REFUSE(R_X86_64_RELATIVE, FIXUP_LOADER),
	REFUSE(R_X86_64_GLOB_DAT, FIXUP_LOADER),
	REFUSE(R_X86_64_JUMP_SLOT, FIXUP_LOADER),
	REFUSE(R_X86_64_COPY, FIXUP_LOADER),
	REFUSE(R_X86_64_IRELATIVE, FIXUP_LOADER),
	{0, FIXUP_NONE, NULL, NULL, 0},
};
