/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent_head: the agent's entry, trap and clone on ppc64le (ELFv2). */

	.abiversion 2
	.section .text.agent_head, "ax", @progbits

/* Jumped to with the tape in r3 and any stack in r1. A frame of its own is
 * made first: agent_play saves its LR in it, and a new thread's r1 is the
 * very end of its stack. trap stops with nip at itself; whoever continues
 * from there traps once more. */
	.globl agent_entry
	.hidden agent_entry
	.type agent_entry, @function
agent_entry:
	clrrdi	1, 1, 4
	li	0, 0
	mtlr	0
	stdu	0, -64(1)
	bl	agent_play
	nop
1:	trap
	b	1b
	.size agent_entry, . - agent_entry

/* (clone_args, size, tape): the kernel owes nobody r5, so r31 carries the
 * tape; the caller takes r31 for lost. */
	.globl agent_clone_raw
	.hidden agent_clone_raw
	.type agent_clone_raw, @function
agent_clone_raw:
	mr	31, 5
	li	0, 435			/* clone3 */
	sc
	bns	1f
	neg	3, 3
	blr
1:	cmpdi	3, 0
	beq	2f
	blr
2:	mr	3, 31
	b	agent_entry
	.size agent_clone_raw, . - agent_clone_raw

	.section .note.GNU-stack, "", @progbits
