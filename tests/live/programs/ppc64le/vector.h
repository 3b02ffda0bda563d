/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vector: all 64 VSX registers, which hold those of floating point (in the
 * upper halves of the first 32) and of VMX (the last 32); FPSCR, VSCR and
 * VRSAVE. */
#ifndef STASIS_TESTS_VECTOR_H
#define STASIS_TESTS_VECTOR_H

#include "spin.h"

/* Words of `want` behind the registers; VSCR takes two, as lvx wants it. */
enum { VECTOR_VSCR = 128, VECTOR_FPSCR = 130, VECTOR_VRSAVE };
#define VECTOR_CONTROL "8*128"

void vector_spin(struct spin *own);

/* clang-format off */
__asm__(".machine push\n .machine power8\n"
	/* insn on all registers, one behind the other from r4 on. */
	".macro vector_each insn\n"
	".set reg, 0\n"
	".rept 64\n \\insn reg, 0, 4\n addi 4, 4, 16\n .set reg, reg+1\n"
	".endr\n"
	".endm\n"
	/* f14 to f31 are in vs14 to vs31, v20 to v31 are vs52 to vs63. */
	".macro vector_saved insn\n"
	"addi 4, 1, 32\n"
	".irp reg,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,"
	"52,53,54,55,56,57,58,59,60,61,62,63\n"
	"\\insn \\reg, 0, 4\n addi 4, 4, 16\n"
	".endr\n"
	".endm\n"
	".text\n"
	".type vector_spin, @function\n"
	"vector_spin:\n"
	"stdu 1, -544(1)\n"
	"vector_saved stxvd2x\n"
	"mffs 0\n stfd 0, 512(1)\n"
	"mfspr 0, 256\n stw 0, 520(1)\n"
	"addi 4, 3, " SPIN_WANT "+" VECTOR_CONTROL "\n"
	"lvx 0, 0, 4\n mtvscr 0\n"
	"lfd 0, 16(4)\n mtfsf 255, 0, 1, 0\n"
	"ld 0, 24(4)\n mtspr 256, 0\n"
	"addi 4, 3, " SPIN_WANT "\n"
	"vector_each lxvd2x\n"
	"li 0, 1\n stw 0, " SPIN_STARTED "(3)\n"
	"1: lwz 0, " SPIN_STOP "(3)\n"
	"cmpwi 7, 0, 0\n"
	"beq 7, 1b\n"
	"addi 4, 3, " SPIN_GOT "\n"
	"vector_each stxvd2x\n"
	"mfvscr 0\n stvx 0, 0, 4\n"
	"mffs 0\n stfd 0, 16(4)\n"
	"mfspr 0, 256\n std 0, 24(4)\n"
	"lfd 0, 512(1)\n mtfsf 255, 0, 1, 0\n"
	"lwz 0, 520(1)\n mtspr 256, 0\n"
	"vspltisb 0, 0\n mtvscr 0\n"
	"vector_saved lxvd2x\n"
	"addi 1, 1, 544\n"
	"blr\n"
	".machine pop\n");
/* clang-format on */

static void vector_settle(uint64_t *want)
{
	want[VECTOR_VSCR] = 0x10001; /* non-Java mode, saturated */
	want[VECTOR_VSCR + 1] = 0;
	/* Decimal and binary rounding modes; some result was inexact. */
	want[VECTOR_FPSCR] = 0x582000001;
	want[VECTOR_VRSAVE] &= 0xffffffff;
}

static const struct spin_loop vector = {
	vector_spin, VECTOR_VRSAVE + 1, vector_settle};

#endif
