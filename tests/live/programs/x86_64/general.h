/* SPDX-License-Identifier: GPL-2.0-or-later */
/* general: rax to r15 but rsp. No register is free while it spins: only
 * memory operands. */
#ifndef STASIS_TESTS_GENERAL_H
#define STASIS_TESTS_GENERAL_H

#include "spin.h"

void general_spin(struct spin *own);

/* The instruction for each register, `at` being its place. */
#define GENERAL_EACH(instruction)                                    \
	".set at, 0\n"                                               \
	".irp reg,rax,rbx,rcx,rdx,rsi,rdi,rbp,r8,r9,r10,r11,r12,r13" \
	",r14,r15\n" instruction "\n"                                \
	".set at, at+8\n"                                            \
	".endr\n"

__asm__(".text\n"
	"general_spin:\n"
	"push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n"
	"push %r15\n" GENERAL_EACH(
		"mov spin+" SPIN_WANT
		"+at(%rip), %\\reg") "movl $1, spin+" SPIN_STARTED "(%rip)\n"
				     "1: cmpl $0, spin+" SPIN_STOP "(%rip)\n"
				     "je 1b\n" GENERAL_EACH(
					     "mov %\\reg, spin+" SPIN_GOT
					     "+at(%rip)") "pop %r15\n pop "
							  "%r14\n pop %r13\n "
							  "pop %r12\n pop "
							  "%rbp\n pop %rbx\n"
							  "ret\n");

static const struct spin_loop general = {general_spin, 15, NULL};

#endif
