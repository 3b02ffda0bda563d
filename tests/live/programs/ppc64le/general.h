/* SPDX-License-Identifier: GPL-2.0-or-later */
/* general: r2 to r31 but r13, which the C library owns; LR, CTR, XER; the
 * condition register but cr7, which the loop uses with r0; and r1, through
 * which it finds all its memory. */
#ifndef STASIS_TESTS_GENERAL_H
#define STASIS_TESTS_GENERAL_H

#include "spin.h"

enum { GENERAL_LR = 32, GENERAL_CTR, GENERAL_XER, GENERAL_CR };
void general_spin(struct spin *own);

#define GENERAL_EACH                                                   \
	"2,3,4,5,6,7,8,9,10,11,12,14,15,16,17,18,19,20,21,22,23,24,25" \
	",26,27,28,29,30,31\n"
#define GENERAL_SAVED "14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"

__asm__(".text\n"
	".type general_spin, @function\n"
	"general_spin:\n"
	"mflr 0\n std 0, 16(1)\n mfcr 0\n std 0, 8(1)\n"
	"stdu 1, -192(1)\n"
	"std 2, 24(1)\n"
	".irp n," GENERAL_SAVED "std \\n, 32+8*(\\n-14)(1)\n .endr\n"
	"std 1, " SPIN_OWN "(3)\n"
	"mr 1, 3\n"
	"ld 0, " SPIN_WANT "+8*32(1)\n mtlr 0\n"
	"ld 0, " SPIN_WANT "+8*33(1)\n mtctr 0\n"
	"ld 0, " SPIN_WANT "+8*34(1)\n mtxer 0\n"
	"ld 0, " SPIN_WANT "+8*35(1)\n mtcr 0\n"
	".irp n," GENERAL_EACH "ld \\n, " SPIN_WANT "+8*\\n(1)\n .endr\n"
	"li 0, 1\n stw 0, " SPIN_STARTED "(1)\n"
	"1: lwz 0, " SPIN_STOP "(1)\n"
	"cmpwi 7, 0, 0\n"
	"beq 7, 1b\n"
	".irp n," GENERAL_EACH "std \\n, " SPIN_GOT "+8*\\n(1)\n .endr\n"
	"mflr 0\n std 0, " SPIN_GOT "+8*32(1)\n"
	"mfctr 0\n std 0, " SPIN_GOT "+8*33(1)\n"
	"mfxer 0\n std 0, " SPIN_GOT "+8*34(1)\n"
	"mfcr 0\n rlwinm 0, 0, 0, 0, 27\n std 0, " SPIN_GOT "+8*35(1)\n"
	"ld 1, " SPIN_OWN "(1)\n"
	".irp n," GENERAL_SAVED "ld \\n, 32+8*(\\n-14)(1)\n .endr\n"
	"ld 2, 24(1)\n"
	"addi 1, 1, 192\n"
	"ld 0, 8(1)\n mtcr 0\n ld 0, 16(1)\n mtlr 0\n"
	"blr\n");

static void general_settle(uint64_t *want)
{
	want[0] = want[1] = want[13] = 0;
	want[GENERAL_XER] = 0xe0000000; /* SO, OV and CA */
	want[GENERAL_CR] = 0x12481240;
}

static const struct spin_loop general = {
	general_spin, GENERAL_CR + 1, general_settle};

#endif
