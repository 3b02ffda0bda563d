/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent: what the player of tapes (agent.c) needs from its machine.
 *
 * backends/<arch>/agent_arch.h defines agent_syscall6 (inline: nr and six
 * arguments, returns value or -errno), agent_clone (clone3 whose child
 * plays a tape on its own new stack and never returns) and agent_trap (the
 * trap instruction, and back). agent_head.S holds the entry: it is called
 * with the tape's address as first argument on a fresh stack, calls
 * agent_play and runs into the trap instruction.
 */
#ifndef STASIS_INJECT_AGENT_H
#define STASIS_INJECT_AGENT_H

#include "inject/tape.h"

/* Plays one tape; comes back to the entry code, which traps. */
void agent_play(struct tape_head *tape);

#endif
