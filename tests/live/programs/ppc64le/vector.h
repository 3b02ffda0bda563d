/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vector: all 64 VSX registers: those of floating point and of VMX. */
#ifndef STASIS_TESTS_VECTOR_H
#define STASIS_TESTS_VECTOR_H

#include "spin.h"

void vector_spin(struct spin *own);

/* In registers 0 to 63, with r4 for the address. */
#define VECTOR_EACH(instruction)                            \
	".set at, 0\n .rept 64\n" instruction " at, 0, 4\n" \
	"addi 4, 4, 16\n .set at, at+1\n .endr\n"
/* 14 to 31 of floating point are vs14 to vs31, v20 to v31 are vs52 to 63. */
#define VECTOR_SAVED(instruction)                                          \
	"addi 4, 1, 32\n .irp n,14,15,16,17,18,19,20,21,22,23,24,25,26,"   \
	"27,28,29,30,31,52,53,54,55,56,57,58,59,60,61,62,63\n" instruction \
	" \\n, 0, 4\n addi 4, 4, 16\n .endr\n"

__asm__(".machine push\n .machine power8\n"
	".text\n"
	".type vector_spin, @function\n"
	"vector_spin:\n"
	"stdu 1, -544(1)\n" VECTOR_SAVED(
		"stxvd2x") "addi 4, 3, " SPIN_WANT
			   "\n" VECTOR_EACH(
				   "lxvd2x") "li 0, 1\n stw 0, " SPIN_STARTED
					     "(3)\n"
					     "1: lwz 0, " SPIN_STOP "(3)\n"
					     "cmpwi 7, 0, 0\n"
					     "beq 7, 1b\n"
					     "addi 4, 3, " SPIN_GOT
					     "\n" VECTOR_EACH("stxvd2x")
						     VECTOR_SAVED(
							     "lxvd2x") "addi "
								       "1, 1, "
								       "544\n"
								       "blr\n"
								       ".machin"
								       "e "
								       "pop\n");

static const struct spin_loop vector = {vector_spin, 128, NULL};

#endif
