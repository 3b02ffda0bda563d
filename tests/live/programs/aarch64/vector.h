/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vector: v0 to v31, FPCR and FPSR. */
#ifndef STASIS_TESTS_VECTOR_H
#define STASIS_TESTS_VECTOR_H

#include "spin.h"

enum { VECTOR_FPCR = 64, VECTOR_FPSR };
void vector_spin(struct spin *own);

#define VECTOR_EACH                                                         \
	"0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24," \
	"25,26,27,28,29,30,31\n"

__asm__(".text\n"
	"vector_spin:\n"
	"sub sp, sp, #64\n"
	".irp n,8,9,10,11,12,13,14,15\n str d\\n, [sp, #8*(\\n-8)]\n .endr\n"
	"mrs x2, fpcr\n"
	"add x3, x0, #" SPIN_WANT "\n"
	".irp n," VECTOR_EACH "ldr q\\n, [x3, #16*\\n]\n .endr\n"
	"ldr x1, [x3, #8*64]\n msr fpcr, x1\n"
	"ldr x1, [x3, #8*65]\n msr fpsr, x1\n"
	"mov w1, #1\n"
	"str w1, [x0, #" SPIN_STARTED "]\n"
	"1: ldr w1, [x0, #" SPIN_STOP "]\n"
	"cbz w1, 1b\n"
	"mov x3, #" SPIN_GOT "\n"
	"add x3, x0, x3\n"
	".irp n," VECTOR_EACH "str q\\n, [x3, #16*\\n]\n .endr\n"
	"mrs x1, fpcr\n str x1, [x3, #8*64]\n"
	"mrs x1, fpsr\n str x1, [x3, #8*65]\n"
	"msr fpcr, x2\n"
	".irp n,8,9,10,11,12,13,14,15\n ldr d\\n, [sp, #8*(\\n-8)]\n .endr\n"
	"add sp, sp, #64\n"
	"ret\n");

static void vector_settle(uint64_t *want)
{
	want[VECTOR_FPCR] = 0x03c00000; /* DN, FZ, towards zero */
	want[VECTOR_FPSR] = 0x0800009f; /* QC and all exceptions seen */
}

static const struct spin_loop vector = {
	vector_spin, VECTOR_FPSR + 1, vector_settle};

#endif
