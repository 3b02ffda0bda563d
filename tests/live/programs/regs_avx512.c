/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All 32 AVX-512 registers and the mask registers of a spinner stay. */
#include "checkpoint.h"

#ifdef __x86_64__
uint64_t zmm_want[256], zmm_got[256], mask_want[8], mask_got[8];
volatile int zmm_stop, zmm_started;
void zmm_spin(void);

#define ZMM_ALL                                                             \
	"0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24," \
	"25,26,27,28,29,30,31\n"

__asm__(".text\n"
	"zmm_spin:\n"
	".irp n," ZMM_ALL "vmovdqu64 zmm_want+64*\\n(%rip), %zmm\\n\n"
	".endr\n"
	".irp n,0,1,2,3,4,5,6,7\n"
	"kmovq mask_want+8*\\n(%rip), %k\\n\n"
	".endr\n"
	"movl $1, zmm_started(%rip)\n"
	"1: cmpl $0, zmm_stop(%rip)\n"
	"je 1b\n"
	".irp n," ZMM_ALL "vmovdqu64 %zmm\\n, zmm_got+64*\\n(%rip)\n"
	".endr\n"
	".irp n,0,1,2,3,4,5,6,7\n"
	"kmovq %k\\n, mask_got+8*\\n(%rip)\n"
	".endr\n"
	"vzeroupper\n"
	"ret\n");

static void *spinner(void *arg)
{
	zmm_spin();
	return arg;
}

int main(void)
{
	pthread_t thread;

	if (!__builtin_cpu_supports("avx512bw"))
		checkpoint_skip("no AVX-512 here");
	for (size_t i = 0; i < COUNT_OF(zmm_want); i++)
		zmm_want[i] = mem_word(10, i);
	for (size_t i = 0; i < COUNT_OF(mask_want); i++)
		mask_want[i] = mem_word(11, i);
	thread = thread_start(spinner, NULL);
	while (!zmm_started)
		checkpoint_nap();
	checkpoint_here();
	zmm_stop = 1;
	thread_join(thread);
	for (size_t i = 0; i < COUNT_OF(zmm_want); i++)
		CHECK_INT(zmm_got[i], zmm_want[i]);
	for (size_t i = 0; i < COUNT_OF(mask_want); i++)
		CHECK_INT(mask_got[i], mask_want[i]);
	checkpoint_ok();
}
#else
int main(void)
{
	checkpoint_skip("AVX-512 is of x86_64");
}
#endif
