/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * module: a mapped ELF file, as far as unwinding needs it: where its unwind
 * table is in memory, and the names of its functions.
 *
 * Headers are read through the memory of the source, so that the vdso is a
 * module like any other. Nothing in them is trusted.
 */
#ifndef STASIS_INSPECT_MODULE_H
#define STASIS_INSPECT_MODULE_H

#include <stdint.h>

#include "inspect/symbols.h"
#include "inspect/unwind.h"

struct module {
	uint32_t object;
	uint64_t base;	     /* where its first byte is mapped */
	uint64_t bias;	     /* address in memory minus address in the file */
	uint64_t table_base; /* what the table's words are relative to */
	uint64_t table;
	uint64_t table_entries;	       /* 0: it has no table */
	const struct symbols *symbols; /* or NULL */
};

struct modules;
struct modules *modules_new(struct arena *arena);

/* The module that a map belongs to, from memory if it was seen before; NULL
 * if it is not one. */
const struct module *module_find(struct modules *modules,
	const struct unwind_source *source, const struct unwind_map *map);

/* The function at an address, NULL if it has no name. */
const char *module_symbol(
	const struct module *module, uint64_t at, uint64_t *ret_offset);

#endif
