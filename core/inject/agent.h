/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent: what the player of tapes (agent.c) needs from its machine.
 *
 * backends/<arch>/agent_arch.h defines agent_syscall6 (inline: nr and six
 * arguments, returns value or -errno), agent_clone (clone3 whose child
 * plays a tape on its own new stack and never returns) and agent_trap (the
 * trap instruction, and back), and what it knows of the frame that the kernel
 * makes of a signal: agent_frame_fill (general registers as NT_PRSTATUS has
 * them, and the mask, to which the thread returns; all else is left as it is),
 * agent_frame_rewind (back to the trap that was run into) and
 * agent_frame_stack (its alternate stack). agent_head.S holds the gates of
 * inject/home.h, the first of which is the entry.
 */
#ifndef STASIS_INJECT_AGENT_H
#define STASIS_INJECT_AGENT_H

#include "inject/home.h"
#include "inject/tape.h"

/* Plays one tape; comes back to the entry code, which traps. */
void agent_play(struct tape_head *tape);

/* Behind the gates of inject/home.h. */
void agent_come(struct home *home);
void agent_boot(struct home *home);
/* sp: at the handler's entry; info, context: its arguments. Comes back to code
 * that makes rt_sigreturn of that frame. */
void agent_cure(
	struct home *home, uint64_t sp, const void *info, void *context);

#endif
