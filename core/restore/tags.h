/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tags: the memory tags of a newborn, whose memory is whole and mapped for
 * tags, but has none yet.
 *
 * Its leader is stopped by us, and does not check tags before it has its
 * registers.
 */
#ifndef STASIS_RESTORE_TAGS_H
#define STASIS_RESTORE_TAGS_H

#include "backend.h"
#include "model/tree.h"

int tags_place(
	const struct backend *be, const struct task *task, struct err *err);

#endif
