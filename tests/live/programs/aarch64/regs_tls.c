/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TPIDR_EL0 of every thread stays, and TPIDR2_EL0 where there is one. */
#include "checkpoint.h"

#include <sys/auxv.h>

enum { THREADS = 3, HAS_SME = 1 << 23 /* of AT_HWCAP2 */ };

static __thread uint64_t own_word;
static volatile int go, up;

static uint64_t tpidr_read(void)
{
	uint64_t value;

	__asm__ volatile("mrs %0, tpidr_el0" : "=r"(value));
	return value;
}

/* TPIDR2_EL0, whose name old assemblers do not know. */
static uint64_t tpidr2_read(void)
{
	uint64_t value;

	__asm__ volatile("mrs %0, s3_3_c13_c0_5" : "=r"(value));
	return value;
}

static void tpidr2_write(uint64_t value)
{
	__asm__ volatile("msr s3_3_c13_c0_5, %0" : : "r"(value));
}

static void *body(void *arg)
{
	uint64_t number = (uint64_t)(uintptr_t)arg, base = tpidr_read();
	bool second = getauxval(AT_HWCAP2) & HAS_SME;

	own_word = mem_word(21, number);
	if (second)
		tpidr2_write(mem_word(22, number));
	__atomic_add_fetch(&up, 1, __ATOMIC_SEQ_CST);
	while (!go)
		;
	CHECK_INT(tpidr_read(), base);
	CHECK_INT(own_word, mem_word(21, number));
	if (second)
		CHECK_INT(tpidr2_read(), mem_word(22, number));
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		threads[i] = thread_start(body, (void *)i);
	while (up < THREADS)
		checkpoint_nap();
	checkpoint_here();
	go = 1;
	for (int i = 0; i < THREADS; i++)
		thread_join(threads[i]);
	checkpoint_ok();
}
