/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * extra: where a kind's capture puts what the image format has no field for.
 *
 * The messages hang on the victim's task and thread in the tree; they are
 * made at the first call. The victim's threads must be in its task already.
 */
#ifndef STASIS_MODEL_EXTRA_H
#define STASIS_MODEL_EXTRA_H

#include "model/victim.h"

StasisThreadExtra *extra_of_thread(
	struct arena *arena, const struct victim_thread *thread);
StasisTaskExtra *extra_of_task(
	struct arena *arena, const struct victim *victim);

#endif
