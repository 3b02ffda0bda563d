/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recover: takes back what an engine that was killed left in and around a
 * directory: its undo list (base/undo.h) is played backwards, and hidden
 * folders with half-written images and a dead keeper's socket are removed.
 *
 * What belongs to an engine that still runs is locked by it and stays. Only
 * what our own user made counts, whoever else may write into the directory.
 */
#ifndef STASIS_SESSION_RECOVER_H
#define STASIS_SESSION_RECOVER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/undo.h"

/* dir: an open directory. tell is called once a thing. Goes on after a
 * failure and returns the first one. */
int recover_dir(struct arena *arena, int dir, undo_tell_fn *tell, void *of,
	struct err *err);

#endif
