/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * weld: makes one piece of code of an ELF file, or says why it cannot be
 * injected.
 *
 * The piece (a seam of sections, settled relocations, an entry) runs at any
 * address that is a multiple of 4096. What a loader, a C library or memory
 * besides the piece itself would have to provide is refused, and the sentence
 * names symbol and section.
 */
#ifndef STASIS_COMPEL_WELD_H
#define STASIS_COMPEL_WELD_H

#include <stdbool.h>

#include "compel/host/fixup.h"
#include "compel/host/input.h"

/* Where a section went to; NULL entries of weld.sections did not. */
struct weld_section {
	const struct input_section *input;
	size_t offset;
};

struct weld {
	const struct input *input;
	const struct fixup_machine *machine;
	uint8_t *bytes;
	size_t size;
	size_t entry;
	const char *entry_name;
	bool needs_write;	       /* writable data is in it */
	struct weld_section *sections; /* by section index of the input */
};

struct weld_options {
	const struct fixup_machine *machine; /* NULL: the file's own */
	const char *entry; /* NULL: agent_entry, or else _start */
	bool allow_data;
};

int weld_input(struct arena *arena, const struct input *input,
	const struct weld_options *options, struct weld *ret, struct err *err);

/* Offset of a symbol in the piece; false: it is not in it. */
bool weld_find_offset(const struct weld *weld,
	const struct input_symbol *symbol, size_t *ret_offset);

#endif
