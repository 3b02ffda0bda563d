/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * leftover: hidden folders in which images were being written, or a socket was
 * being made, when their writer was killed. They hold memory of processes, so
 * nobody wants them to stay. A writer that lives keeps his folder locked
 * (base/place.h).
 */
#ifndef STASIS_IMAGE_LEFTOVER_H
#define STASIS_IMAGE_LEFTOVER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/undo.h"

/* Every hidden folder in dir that is ours (by owner) and nobody's any more;
 * tell hears of each. The first failure is kept, the others are tried. */
int leftovers_remove(struct arena *arena, int dir, undo_tell_fn *tell, void *of,
	struct err *err);

/* All files of such a folder go. */
void leftover_empty(int folder);

#endif
