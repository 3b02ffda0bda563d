/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent_head: the agent's gates, trap and clone on x86_64. */

	.section .text.agent_head, "ax", @progbits

/* The gates, 64 bytes apart (inject/home.h). int3 leaves rip behind itself;
 * whoever continues from there traps once more.
 *
 * Play: jumped to with the tape in rdi and any stack in rsp. */
	.globl agent_entry
	.hidden agent_entry
	.type agent_entry, @function
agent_entry:
.Lgates:
	endbr64
	cld
	xorl	%ebp, %ebp
	andq	$-16, %rsp
	call	agent_play
.Ltrap:	int3
	jmp	.Ltrap

/* Ask: the tape in rdi. */
	.org 64, 0xcc
	cld
	movq	%rdi, %rbx
	leaq	.Lgates+65536(%rip), %rdi	/* HOME_AT */
	xorl	%ebp, %ebp
	andq	$-16, %rsp
	call	agent_come
	movq	%rbx, %rdi
	call	agent_play
	jmp	.Ltrap

/* Boot: the home in rdi, which the kernel keeps across the call. */
	.org 128, 0xcc
	cld
	syscall
	testq	%rax, %rax
	jnz	.Ltrap
	xorl	%ebp, %ebp
	andq	$-16, %rsp
	call	agent_boot
	jmp	.Ltrap

/* Call. */
	.org 192, 0xcc
	syscall
	int3
	jmp	.Ltrap

/* Trap. */
	.org 256, 0xcc
	int3
	jmp	.Ltrap

/* Cure: entered by the kernel with siginfo in rsi and ucontext in rdx, which
 * lies in the frame where rt_sigreturn wants to find rsp. */
	.org 320, 0xcc
	endbr64
	movq	%rdx, %rbx
	movq	%rdx, %rcx
	movq	%rsi, %rdx
	movq	%rsp, %rsi
	leaq	.Lgates+65536(%rip), %rdi	/* HOME_AT */
	xorl	%ebp, %ebp
	andq	$-16, %rsp
	call	agent_cure
	movq	%rbx, %rsp
	movl	$15, %eax		/* rt_sigreturn */
	syscall
	ud2
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
