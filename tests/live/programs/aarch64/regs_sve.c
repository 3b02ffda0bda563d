/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All SVE registers of a spinner, and its vector length, stay. */
#include "checkpoint.h"

enum { VL_MAX = 256, SVE_GET_VL = 51, VL_MASK = 0xffff };

struct sve {
	uint8_t z[32 * VL_MAX], p[16 * VL_MAX / 8];
	volatile int word;
};

struct sve want, got; /* want.word: stop; got.word: started */
void sve_spin(struct sve *from, struct sve *to);

#define EACH_P "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"
#define EACH_Z EACH_P ",16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"

/* The words are behind z and p: 8192 + 512 bytes. */
__asm__(".arch_extension sve\n"
	".text\n"
	".globl sve_spin\n"
	"sve_spin:\n"
	"sub sp, sp, #64\n"
	"stp d8, d9, [sp]\n stp d10, d11, [sp, #16]\n"
	"stp d12, d13, [sp, #32]\n stp d14, d15, [sp, #48]\n"
	"add x2, x0, #8192\n add x3, x1, #8192\n"
	".irp n," EACH_Z "\n ldr z\\n, [x0, #\\n, mul vl]\n .endr\n"
	".irp n," EACH_P "\n ldr p\\n, [x2, #\\n, mul vl]\n .endr\n"
	"mov w9, #1\n"
	"str w9, [x3, #512]\n"
	"1: ldr w9, [x2, #512]\n"
	"cbz w9, 1b\n"
	".irp n," EACH_Z "\n str z\\n, [x1, #\\n, mul vl]\n .endr\n"
	".irp n," EACH_P "\n str p\\n, [x3, #\\n, mul vl]\n .endr\n"
	"ldp d8, d9, [sp]\n ldp d10, d11, [sp, #16]\n"
	"ldp d12, d13, [sp, #32]\n ldp d14, d15, [sp, #48]\n"
	"add sp, sp, #64\n"
	"ret\n");

static void *spinner(void *arg)
{
	sve_spin(&want, &got);
	return arg;
}

int main(void)
{
	int vl = prctl(SVE_GET_VL);
	pthread_t thread;

	if (vl < 0)
		checkpoint_skip("no SVE here");
	for (size_t i = 0; i < sizeof(want.z); i++)
		want.z[i] = (uint8_t)mem_word(22, i);
	for (size_t i = 0; i < sizeof(want.p); i++)
		want.p[i] = (uint8_t)mem_word(23, i);
	thread = thread_start(spinner, NULL);
	while (!got.word)
		checkpoint_nap();
	checkpoint_here();
	want.word = 1;
	thread_join(thread);
	CHECK_INT(prctl(SVE_GET_VL) & VL_MASK, vl & VL_MASK);
	vl &= VL_MASK;
	CHECK(!memcmp(got.z, want.z, (size_t)vl * 32));
	CHECK(!memcmp(got.p, want.p, (size_t)vl * 2));
	checkpoint_ok();
}
