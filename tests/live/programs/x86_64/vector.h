/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vector: the SSE registers, MXCSR, and four values of the x87 stack with its
 * control word. */
#ifndef STASIS_TESTS_VECTOR_H
#define STASIS_TESTS_VECTOR_H

#include "spin.h"

enum { VECTOR_MXCSR = 32, VECTOR_CONTROL, VECTOR_STACK };
void vector_spin(struct spin *own);

#define VECTOR_WANT "spin+" SPIN_WANT
#define VECTOR_GOT "spin+" SPIN_GOT
#define VECTOR_EACH "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"

__asm__(".text\n"
	"vector_spin:\n"
	"ldmxcsr " VECTOR_WANT "+256(%rip)\n"
	"fldcw " VECTOR_WANT "+264(%rip)\n"
	".irp n,0,1,2,3\n fldl " VECTOR_WANT "+272+8*\\n(%rip)\n .endr\n"
	".irp n," VECTOR_EACH "movdqu " VECTOR_WANT
	"+16*\\n(%rip), %xmm\\n\n .endr\n"
	"movl $1, spin+" SPIN_STARTED "(%rip)\n"
	"1: cmpl $0, spin+" SPIN_STOP "(%rip)\n"
	"je 1b\n"
	".irp n," VECTOR_EACH "movdqu %xmm\\n, " VECTOR_GOT
	"+16*\\n(%rip)\n .endr\n"
	".irp n,3,2,1,0\n fstpl " VECTOR_GOT "+272+8*\\n(%rip)\n .endr\n"
	"stmxcsr " VECTOR_GOT "+256(%rip)\n"
	"fnstcw " VECTOR_GOT "+264(%rip)\n"
	"fninit\n"
	"ret\n");

static void vector_settle(uint64_t *want)
{
	static const double stack[4] = {1.5, -2.25, 1e300, 3.75};

	want[VECTOR_MXCSR] = 0x1f80 | 0x6000; /* masked, towards zero */
	want[VECTOR_CONTROL] = 0x0e7f;
	memcpy(want + VECTOR_STACK, stack, sizeof(stack));
}

static const struct spin_loop vector = {
	vector_spin, VECTOR_STACK + 4, vector_settle};

#endif
