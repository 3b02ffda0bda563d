/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * numbers: where fd numbers for the restore's own use are free.
 *
 * Pure. A restore needs a row of numbers (the shelf) that no task wants for
 * its files and nobody has open in the coordinator, above enough free ones
 * for what the coordinator opens for a moment: the kernel gives the lowest.
 */
#ifndef STASIS_MODEL_NUMBERS_H
#define STASIS_MODEL_NUMBERS_H

#include <stddef.h>

#include "base/arena.h"

/* Free numbers that are left for passing use. */
enum { NUMBERS_SPARE = 64, NUMBERS_SHELF_MIN = 256 };

struct numbers {
	int *at; /* ascending, maybe some twice */
	size_t n;
};

/* The first number of a row of size free ones. tasks: what tasks want; own:
 * what is open in the coordinator. Both are sorted on the way. */
int numbers_place(struct arena *arena, struct numbers *tasks,
	struct numbers *own, int size);

#endif
