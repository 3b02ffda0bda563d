/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent_head: the agent's gates, trap and clone on aarch64. */

	.section .text.agent_head, "ax", %progbits

/* The gates, 64 bytes apart (inject/home.h). brk stops with pc at itself;
 * whoever continues from there traps once more.
 *
 * Play: jumped to with the tape in x0 and any stack that is 16-aligned in
 * sp. */
	.globl agent_entry
	.hidden agent_entry
	.type agent_entry, %function
agent_entry:
.Lgates:
	mov	x29, xzr
	mov	x30, xzr
	bl	agent_play
.Ltrap:	brk	#0
	b	.Ltrap

/* Ask: the tape in x0. */
	.org .Lgates + 64
	mov	x19, x0
	adr	x0, .Lgates + 65536	/* HOME_AT */
	mov	x29, xzr
	bl	agent_come
	mov	x0, x19
	bl	agent_play
	b	.Ltrap

/* Boot. */
	.org .Lgates + 128
	svc	#0
	cbnz	x0, .Ltrap
	adr	x0, .Lgates + 65536	/* HOME_AT */
	mov	x29, xzr
	bl	agent_boot
	b	.Ltrap

/* Call. */
	.org .Lgates + 192
	svc	#0
	brk	#0
	b	.Ltrap

/* Trap. */
	.org .Lgates + 256
	brk	#0
	b	.Ltrap

/* Cure: entered by the kernel with siginfo in x1 and ucontext in x2. A tracer
 * at the stop before rt_sigreturn cannot change x7: it is the thread's own. */
	.org .Lgates + 320
	mov	x19, x2
	mov	x20, sp
	mov	x3, x2
	mov	x2, x1
	mov	x1, sp
	adr	x0, .Lgates + 65536	/* HOME_AT */
	mov	x29, xzr
	bl	agent_cure
	mov	sp, x20
	ldr	x7, [x19, #240]		/* uc_mcontext.regs[7] */
	mov	x8, #139		/* rt_sigreturn */
	svc	#0
	brk	#0
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
