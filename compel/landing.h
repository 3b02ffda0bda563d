/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * landing: the few instructions that call a blob's function and trap when it
 * has returned, for each machine.
 *
 * Position independent; it lies behind the blob in the same mapping. The
 * registers must say what struct backend's call() makes them say.
 */
#ifndef STASIS_COMPEL_LANDING_H
#define STASIS_COMPEL_LANDING_H

#include <stddef.h>
#include <stdint.h>

enum { LANDING_ROOM = 64 };

/* distance: from the landing's start to the function. Returns its size, and
 * where in it the trap is; 0: no such machine, or out of reach. */
size_t landing_make(uint16_t elf_machine, int64_t distance,
	uint8_t out[LANDING_ROOM], size_t *ret_trap);

#endif
