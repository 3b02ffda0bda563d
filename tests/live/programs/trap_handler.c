/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A handler of SIGTRAP sees no trap but the program's own. */
#include "checkpoint.h"

static volatile int traps;

static void handler(int number)
{
	CHECK_INT(number, SIGTRAP);
	traps++;
}

static void *body(void *arg)
{
	volatile int *go = arg;

	while (!*go)
		;
	return NULL;
}

int main(void)
{
	static volatile int go;
	pthread_t thread;

	CHECK(signal(SIGTRAP, handler) != SIG_ERR);
	thread = thread_start(body, (void *)(uintptr_t)&go);
	checkpoint_here();
	CHECK_INT(traps, 0);
	raise(SIGTRAP);
	CHECK_INT(traps, 1);
	go = 1;
	thread_join(thread);
	checkpoint_ok();
}
