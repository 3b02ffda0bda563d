/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All 256 bits of the AVX registers of a spinning thread stay. */
#include "checkpoint.h"

#ifdef __x86_64__
uint64_t avx_want[64], avx_got[64];
volatile int avx_stop, avx_started;
void avx_spin(void);

__asm__(".text\n"
	"avx_spin:\n"
	".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"vmovdqu avx_want+32*\\n(%rip), %ymm\\n\n"
	".endr\n"
	"movl $1, avx_started(%rip)\n"
	"1: cmpl $0, avx_stop(%rip)\n"
	"je 1b\n"
	".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"vmovdqu %ymm\\n, avx_got+32*\\n(%rip)\n"
	".endr\n"
	"vzeroupper\n"
	"ret\n");

static void *spinner(void *arg)
{
	avx_spin();
	return arg;
}

int main(void)
{
	pthread_t thread;

	if (!__builtin_cpu_supports("avx"))
		checkpoint_skip("no AVX here");
	for (size_t i = 0; i < COUNT_OF(avx_want); i++)
		avx_want[i] = mem_word(9, i);
	thread = thread_start(spinner, NULL);
	while (!avx_started)
		checkpoint_nap();
	checkpoint_here();
	avx_stop = 1;
	thread_join(thread);
	for (size_t i = 0; i < COUNT_OF(avx_want); i++)
		CHECK_INT(avx_got[i], avx_want[i]);
	checkpoint_ok();
}
#else
int main(void)
{
	checkpoint_skip("AVX is of x86_64");
}
#endif
