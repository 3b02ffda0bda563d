/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * input: an ELF file of one of the three machines, read whole and checked.
 *
 * Nothing in it can be trusted: every offset is checked before it is used,
 * and a file that does not hold together is refused with one sentence.
 * Everything lives in the caller's arena. Sections, symbols and relocations
 * keep the file's order; section 0 is the null section.
 */
#ifndef STASIS_COMPEL_INPUT_H
#define STASIS_COMPEL_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"

struct input_symbol {
	const char *name; /* of a section symbol: the section's */
	uint64_t value, size;
	uint32_t section; /* index, or SHN_UNDEF, SHN_ABS, SHN_COMMON */
	uint8_t type, bind, other;
};

struct input_reloc {
	uint32_t section; /* that it changes; 0: a loader's, any place */
	uint32_t type;
	uint64_t offset; /* in the section; in a linked file an address */
	int64_t addend;
	const struct input_symbol *symbol; /* NULL: none */
};

struct input_section {
	const char *name;
	uint32_t type;
	uint64_t flags, addr, size, align;
	const uint8_t *bytes;	      /* NULL: zeros */
	struct input_symbol *symbols; /* of a symbol table */
	size_t symbol_count;
};

struct input {
	const char *path;
	uint16_t type;	  /* ET_REL, ET_EXEC, ET_DYN */
	uint16_t machine; /* EM_X86_64, EM_AARCH64, EM_PPC64 */
	struct input_section *sections;
	size_t section_count;
	struct input_symbol *symbols; /* .symtab, or else .dynsym */
	size_t symbol_count;
	VEC(struct input_reloc) relocs;
};

/* -EINVAL: not an ELF file that holds together, or of another kind. */
int input_read(struct arena *arena, const char *path, struct input **ret,
	struct err *err);

#endif
