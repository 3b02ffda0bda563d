/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent_head: the agent's gates, trap and clone on ppc64le (ELFv2). */

	.abiversion 2
	.section .text.agent_head, "ax", @progbits

	.macro call_c function
	clrrdi	1, 1, 4
	li	0, 0
	mtlr	0
	stdu	0, -64(1)
	bl	\function
	nop
	.endm

/* The gates, 64 bytes apart (inject/home.h); r12 is where they were entered.
 * trap stops with nip at itself; whoever continues from there traps once more.
 *
 * Play: jumped to with the tape in r3 and any stack in r1. A frame of its own
 * is made first: agent_play saves its LR in it, and a new thread's r1 is the
 * very end of its stack. */
	.globl agent_entry
	.hidden agent_entry
	.type agent_entry, @function
agent_entry:
.Lgates:
	call_c	agent_play
.Ltrap:	trap
	b	.Ltrap

/* Ask: the tape in r3. */
	.org .Lgates + 64
	mr	31, 3
	addis	3, 12, 1		/* HOME_AT */
	addi	3, 3, -64
	call_c	agent_come
	mr	3, 31
	bl	agent_play
	nop
	b	.Ltrap

/* Boot. */
	.org .Lgates + 128
	mr	31, 12
	sc
	bso	.Ltrap
	addis	3, 31, 1		/* HOME_AT */
	addi	3, 3, -128
	call_c	agent_boot
	b	.Ltrap

/* Call. */
	.org .Lgates + 192
	sc
	trap
	b	.Ltrap

/* Trap. */
	.org .Lgates + 256
	trap
	b	.Ltrap

/* Cure: entered by the kernel with siginfo in r4 and ucontext in r5, where
 * rt_sigreturn wants to find r1. */
	.org .Lgates + 320
	mr	31, 5
	mr	6, 5
	mr	5, 4
	mr	4, 1
	addis	3, 12, 1		/* HOME_AT */
	addi	3, 3, -320
	call_c	agent_cure
	mr	1, 31
	li	0, 172			/* rt_sigreturn */
	sc
	trap
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
