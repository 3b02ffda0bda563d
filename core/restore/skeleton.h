/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * skeleton: what a newborn does in ordinary code, before its tape: inherited
 * memory, children, session and group, files, the reel. It never returns.
 * Errors go to the board.
 */
#ifndef STASIS_RESTORE_SKELETON_H
#define STASIS_RESTORE_SKELETON_H

#include "restore/ward.h"

void skeleton_live(struct birth_ward *ward, struct birth *birth)
	__attribute__((noreturn));

/* Says it as a sentence when a fork failed because of its pid. */
int skeleton_taken(const struct birth *birth, int code, struct err *err);

#endif
