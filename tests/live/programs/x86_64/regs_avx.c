/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All 256 bits of the AVX registers of a spinning thread stay. */
#include "spin.h"

void avx_spin(struct spin *own);

#define AVX_EACH "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"

__asm__(".text\n"
	"avx_spin:\n"
	".irp n," AVX_EACH "vmovdqu spin+" SPIN_WANT
	"+32*\\n(%rip), %ymm\\n\n .endr\n"
	"movl $1, spin+" SPIN_STARTED "(%rip)\n"
	"1: cmpl $0, spin+" SPIN_STOP "(%rip)\n"
	"je 1b\n"
	".irp n," AVX_EACH "vmovdqu %ymm\\n, spin+" SPIN_GOT
	"+32*\\n(%rip)\n .endr\n"
	"vzeroupper\n"
	"ret\n");

static const struct spin_loop avx = {avx_spin, 64, NULL};

int main(void)
{
	if (!__builtin_cpu_supports("avx"))
		checkpoint_skip("no AVX here");
	spin_show(&avx);
}
