/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fs and gs bases of every thread stay. */
#include "checkpoint.h"

#include <asm/prctl.h>

static __thread uint64_t own_word;
static uint64_t gs_area[2][4];
static volatile int gs_go, gs_up;

static uint64_t gs_first(void)
{
	uint64_t value;

	__asm__ volatile("mov %%gs:0, %0" : "=r"(value));
	return value;
}

static void gs_verify(int number, unsigned long fs)
{
	unsigned long base;

	CHECK_SYS(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
	CHECK_INT(base, (unsigned long)gs_area[number]);
	CHECK_SYS(syscall(SYS_arch_prctl, ARCH_GET_FS, &base));
	CHECK_INT(base, fs);
	CHECK_INT(gs_first(), 0x1234 + number);
	CHECK_INT(own_word, 77 + number);
}

static unsigned long gs_set(int number)
{
	unsigned long fs;

	gs_area[number][0] = 0x1234 + (uint64_t)number;
	own_word = 77 + (uint64_t)number;
	CHECK_SYS(syscall(SYS_arch_prctl, ARCH_SET_GS, gs_area[number]));
	CHECK_SYS(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs));
	return fs;
}

static void *other(void *arg)
{
	unsigned long fs = gs_set(1);

	gs_up = 1;
	while (!gs_go)
		checkpoint_nap();
	gs_verify(1, fs);
	return arg;
}

int main(void)
{
	unsigned long fs = gs_set(0);
	pthread_t thread = thread_start(other, NULL);

	while (!gs_up)
		checkpoint_nap();
	checkpoint_here();
	gs_verify(0, fs);
	gs_go = 1;
	thread_join(thread);
	checkpoint_ok();
}
