/* SPDX-License-Identifier: GPL-2.0-or-later */
/* symbols: the names of the functions in an ELF file, sorted by address. */
#ifndef STASIS_INSPECT_SYMBOLS_H
#define STASIS_INSPECT_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct symbols;

/* NULL if it is no ELF file or has no names. The fd stays the caller's. */
const struct symbols *symbols_read_file(struct arena *arena, int fd);
const struct symbols *symbols_read_memory(
	struct arena *arena, void *bytes, size_t size);

/* The function that an address of the file is in, or NULL. */
const char *symbols_find(
	const struct symbols *symbols, uint64_t address, uint64_t *ret_offset);

/* Has the file this build id? */
bool symbols_build_id_is(int fd, const void *build_id, size_t size);

#endif
