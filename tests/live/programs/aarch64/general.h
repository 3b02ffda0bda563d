/* SPDX-License-Identifier: GPL-2.0-or-later */
/* general: x0 to x30 but x16, with which the loop looks whether to stop; the
 * condition flags; and sp, through which it finds all its memory. */
#ifndef STASIS_TESTS_GENERAL_H
#define STASIS_TESTS_GENERAL_H

#include "spin.h"

enum { GENERAL_SCRATCH = 16, GENERAL_FLAGS = 31 };
void general_spin(struct spin *own);

#define GENERAL_EACH                                                        \
	"0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,17,18,19,20,21,22,23,24,25," \
	"26,27,28,29,30\n"

__asm__(".text\n"
	"general_spin:\n"
	"sub sp, sp, #96\n"
	".irp n,19,20,21,22,23,24,25,26,27,28,29,30\n"
	"str x\\n, [sp, #8*(\\n-19)]\n .endr\n"
	"mov x1, sp\n"
	"str x1, [x0, #" SPIN_OWN "]\n"
	"mov sp, x0\n"
	"ldr x16, [sp, #" SPIN_WANT "+8*31]\n"
	"msr nzcv, x16\n"
	".irp n," GENERAL_EACH "ldr x\\n, [sp, #" SPIN_WANT "+8*\\n]\n .endr\n"
	"mov w16, #1\n"
	"str w16, [sp, #" SPIN_STARTED "]\n"
	"1: ldr w16, [sp, #" SPIN_STOP "]\n"
	"cbz w16, 1b\n"
	".irp n," GENERAL_EACH "str x\\n, [sp, #" SPIN_GOT "+8*\\n]\n .endr\n"
	"mrs x16, nzcv\n"
	"str x16, [sp, #" SPIN_GOT "+8*31]\n"
	"ldr x1, [sp, #" SPIN_OWN "]\n"
	"mov sp, x1\n"
	".irp n,19,20,21,22,23,24,25,26,27,28,29,30\n"
	"ldr x\\n, [sp, #8*(\\n-19)]\n .endr\n"
	"add sp, sp, #96\n"
	"ret\n");

static void general_settle(uint64_t *want)
{
	want[GENERAL_SCRATCH] = 0;
	want[GENERAL_FLAGS] = 0xa0000000; /* N and C */
}

static const struct spin_loop general = {general_spin, 32, general_settle};

#endif
