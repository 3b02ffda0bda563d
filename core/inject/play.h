/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * play: a tape played by whoever calls, with the C library and no agent.
 *
 * For what is planned as a tape and then done by a process of our own (the
 * maker of a context), and for tests. Same layout, same results and the same
 * end at the first failure as the agent's (inject/agent.c); but the caller is
 * one thread that goes on afterwards, so THREAD, MEET and STOP are -ENOSYS.
 */
#ifndef STASIS_INJECT_PLAY_H
#define STASIS_INJECT_PLAY_H

#include "inject/record.h"

/* A pressed tape, which tells its results itself afterwards. */
void play_pressed(struct tape_head *tape);

/* Presses and plays. *ret_block (the arena's; NULL: not wanted) is what
 * tape_result and tape_block_read take. A failure is tape_check's sentence. */
int play_tape(const struct tape *tape, void **ret_block, struct err *err);

#endif
