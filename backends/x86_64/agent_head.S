/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent_head: the agent's entry, trap and clone on x86_64. */

	.section .text.agent_head, "ax", @progbits

/* Jumped to with the tape in rdi and any stack in rsp. int3 leaves rip
 * behind itself; whoever continues from there traps once more. */
	.globl agent_entry
	.hidden agent_entry
	.type agent_entry, @function
agent_entry:
	endbr64
	cld
	xorl	%ebp, %ebp
	andq	$-16, %rsp
	call	agent_play
1:	int3
	jmp	1b
	.size agent_entry, . - agent_entry

	.globl agent_trap
	.hidden agent_trap
	.type agent_trap, @function
agent_trap:
	endbr64
	int3
	ret
	.size agent_trap, . - agent_trap

/* (clone_args, size, tape): the kernel keeps rdx across the call. */
	.globl agent_clone
	.hidden agent_clone
	.type agent_clone, @function
agent_clone:
	endbr64
	movl	$435, %eax		/* clone3 */
	syscall
	testq	%rax, %rax
	jz	1f
	ret
1:	movq	%rdx, %rdi
	jmp	agent_entry
	.size agent_clone, . - agent_clone

	.section .note.GNU-stack, "", @progbits
