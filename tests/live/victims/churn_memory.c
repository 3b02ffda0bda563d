/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads map, fill, verify and unmap memory without end, until "go". */
#include "checkpoint.h"

static volatile int stop;

static void *body(void *arg)
{
	for (uint64_t i = (uint64_t)(uintptr_t)arg; !stop; i += 16) {
		size_t len = (i % 37 + 1) * 4096;
		void *mem = mem_map(len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS);

		mem_fill(mem, len, i);
		sched_yield();
		mem_verify(mem, len, i, "fresh memory");
		CHECK_SYS(munmap(mem, len));
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[4];

	for (uintptr_t i = 0; i < 4; i++)
		threads[i] = thread_start(body, (void *)i);
	checkpoint_here();
	stop = 1;
	for (int i = 0; i < 4; i++)
		thread_join(threads[i]);
	checkpoint_ok();
}
