/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inspect: shows people and programs what an image directory holds.
 *
 * Images of every machine can be shown on every machine; nothing but the
 * images is needed. Call chains (stacks) are found for the host's own
 * machine, from stored pages and, where the same files are still there, from
 * the programs and libraries; for the others there are pc and sp.
 */
#ifndef STASIS_INSPECT_INSPECT_H
#define STASIS_INSPECT_INSPECT_H

#include <stdbool.h>
#include <stdio.h>

#include "image/set.h"

int inspect_print(struct image_set *set, FILE *out, bool json, bool stacks,
	struct err *err);

#endif
