/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent_head: the agent's entry, trap and clone on aarch64. */

	.section .text.agent_head, "ax", %progbits

/* Jumped to with the tape in x0 and any stack that is 16-aligned in sp. brk
 * stops with pc at itself; whoever continues from there traps once more. */
	.globl agent_entry
	.hidden agent_entry
	.type agent_entry, %function
agent_entry:
	mov	x29, xzr
	mov	x30, xzr
	bl	agent_play
1:	brk	#0
	b	1b
	.size agent_entry, . - agent_entry

/* The coordinator steps pc over the brk to go on. */
	.globl agent_trap
	.hidden agent_trap
	.type agent_trap, %function
agent_trap:
	brk	#0
	ret
	.size agent_trap, . - agent_trap

/* (clone_args, size, tape) */
	.globl agent_clone
	.hidden agent_clone
	.type agent_clone, %function
agent_clone:
	mov	x9, x2
	mov	x8, #435		/* clone3 */
	svc	#0
	cbz	x0, 1f
	ret
1:	mov	x0, x9
	b	agent_entry
	.size agent_clone, . - agent_clone

	.section .note.GNU-stack, "", %progbits
