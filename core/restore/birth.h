/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * birth: the tree comes into being, up to the moment when each task is about
 * to play its tape.
 *
 * The coordinator forks the root, tasks fork their children; each newborn
 * runs the skeleton (skeleton.h). birth_abort kills whatever was born and
 * reaps it, so that a failed restore leaves nobody behind; birth_kill is its
 * half for who traces them and is not their parent.
 */
#ifndef STASIS_RESTORE_BIRTH_H
#define STASIS_RESTORE_BIRTH_H

#include "restore/ward.h"

int birth_begin(struct birth_ward *ward, struct err *err);
/* Fork the tree; returns when every task waits for its tape. */
int birth_tree(struct birth_ward *ward, struct err *err);
void birth_kill(struct birth_ward *ward);
void birth_abort(struct birth_ward *ward);
void birth_end(struct birth_ward *ward);

#endif
