/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All 32 AVX-512 registers and the mask registers of a spinner stay. */
#include "spin.h"

void zmm_spin(struct spin *own);

#define ZMM_EACH                                                            \
	"0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24," \
	"25,26,27,28,29,30,31\n"
#define ZMM_MASKS "0,1,2,3,4,5,6,7\n"

__asm__(".text\n"
	"zmm_spin:\n"
	".irp n," ZMM_EACH "vmovdqu64 spin+" SPIN_WANT
	"+64*\\n(%rip), %zmm\\n\n .endr\n"
	".irp n," ZMM_MASKS "kmovq spin+" SPIN_WANT
	"+2048+8*\\n(%rip), %k\\n\n .endr\n"
	"movl $1, spin+" SPIN_STARTED "(%rip)\n"
	"1: cmpl $0, spin+" SPIN_STOP "(%rip)\n"
	"je 1b\n"
	".irp n," ZMM_EACH "vmovdqu64 %zmm\\n, spin+" SPIN_GOT
	"+64*\\n(%rip)\n .endr\n"
	".irp n," ZMM_MASKS "kmovq %k\\n, spin+" SPIN_GOT
	"+2048+8*\\n(%rip)\n .endr\n"
	"vzeroupper\n"
	"ret\n");

static const struct spin_loop zmm = {zmm_spin, 256 + 8, NULL};

int main(void)
{
	if (!__builtin_cpu_supports("avx512bw"))
		checkpoint_skip("no AVX-512 here");
	spin_show(&zmm);
}
