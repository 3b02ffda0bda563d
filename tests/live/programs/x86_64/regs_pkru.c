/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The protection key register (PKRU) of every thread stays. */
#include "checkpoint.h"

static volatile int pkru_go, pkru_after, pkru_set;

static int pkru_read(void)
{
	int value;

	__asm__ volatile("xor %%ecx, %%ecx\n rdpkru"
			 : "=a"(value)
			 :
			 : "ecx", "edx");
	return value;
}

static void *spinner(void *arg)
{
	int key = *(int *)arg;

	CHECK_SYS(pkey_set(key, PKEY_DISABLE_WRITE));
	pkru_set = pkru_read();
	while (!pkru_go)
		;
	pkru_after = pkru_read();
	return NULL;
}

int main(void)
{
	int key = pkey_alloc(0, 0), own;
	pthread_t thread;

	if (key < 0)
		checkpoint_skip("no protection keys here");
	own = pkru_read();
	thread = thread_start(spinner, &key);
	while (!pkru_set)
		checkpoint_nap();
	checkpoint_here();
	CHECK_INT(pkru_read(), own);
	pkru_go = 1;
	thread_join(thread);
	CHECK_INT(pkru_after, pkru_set);
	checkpoint_ok();
}
