/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fixup: the relocations of three machines: which of them can be settled
 * while an object becomes a blob, and how.
 *
 * Only what depends on distances can be settled: a blob learns its address
 * when it is injected, and nothing relocates it then.
 */
#ifndef STASIS_COMPEL_FIXUP_H
#define STASIS_COMPEL_FIXUP_H

#include <stddef.h>
#include <stdint.h>

enum fixup_kind {
	FIXUP_NONE,	/* nothing to do */
	FIXUP_RELATIVE, /* symbol + addend - place */
	FIXUP_CALL,	/* the same, to a function's local entry (ELFv2) */
	FIXUP_PAGE,	/* distance of the two 4 KiB pages */
	FIXUP_PAGE_LOW, /* where in its 4 KiB page symbol + addend lies */
	FIXUP_TOC,	/* symbol + addend - TOC base (ELFv2) */
	FIXUP_ABSOLUTE, /* refused: needs the final address */
	FIXUP_TABLE,	/* refused: goes through a GOT, PLT or TOC entry */
	FIXUP_THREAD,	/* refused: thread-local storage */
	FIXUP_LOADER,	/* refused: left for a loader */
};

struct fixup {
	uint32_t type;
	enum fixup_kind kind;
	const char *name;
	/* Put the value into the bytes at its place: 0, -ERANGE when it does
	 * not fit, or -EINVAL when it is not aligned as it must be. */
	int (*put)(uint8_t *at, int64_t value);
	uint8_t size; /* bytes at the place that put touches */
};

struct fixup_machine {
	uint16_t machine;
	const char *name; /* as uname -m says */
	const struct fixup *fixups;
	/* Linkers put empty tables into files that use none: so many bytes
	 * at the start of .got and .got.plt are theirs. */
	uint8_t got_header, got_plt_header;
};

/* NULL: not one of the three machines. */
const struct fixup_machine *fixup_machine_find(uint16_t machine);
const struct fixup_machine *fixup_machine_by_name(const char *name);
/* NULL: a type that is not known. */
const struct fixup *fixup_find(
	const struct fixup_machine *machine, uint32_t type);

extern const struct fixup fixup_x86_64[];
extern const struct fixup fixup_aarch64[];
extern const struct fixup fixup_ppc64le[];

/* Little-endian words at any address, and does a value fit into so many
 * bits as a signed number? */
uint32_t fixup_word(const uint8_t *at);
void fixup_put_bytes(uint8_t *at, uint64_t value, unsigned int size);
int fixup_fits(int64_t value, unsigned int bits);

/* For fixup.put: the value as a signed number of so many bits. */
int fixup_put_s8(uint8_t *at, int64_t value);
int fixup_put_s16(uint8_t *at, int64_t value);
int fixup_put_s32(uint8_t *at, int64_t value);
int fixup_put_s64(uint8_t *at, int64_t value);

/* Rows of a machine's table, under the name that elf.h has for the type. */
#define FIXUP_SKIP(type)                         \
	{                                        \
		type, FIXUP_NONE, #type, NULL, 0 \
	}
#define FIXUP_KEEP(type, kind, put, size)    \
	{                                    \
		type, kind, #type, put, size \
	}
#define FIXUP_REFUSE(type, kind)           \
	{                                  \
		type, kind, #type, NULL, 0 \
	}

#endif
