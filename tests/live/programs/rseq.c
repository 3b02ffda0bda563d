/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The restartable-sequence area of every thread stays registered. */
#include "checkpoint.h"

#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>

static volatile int thread_up, thread_go;

static char *thread_pointer(void)
{
#if defined(__powerpc64__) /* its gcc 12 has no word for it */
	char *pointer;

	__asm__("mr %0, 13" : "=r"(pointer));
	return pointer;
#else
	return __builtin_thread_pointer();
#endif
}

static struct rseq *rseq_area(void)
{
	return (struct rseq *)(thread_pointer() + __rseq_offset);
}

/* Registering what is registered already is answered with EBUSY. */
static void rseq_verify(void)
{
	struct rseq *area = rseq_area();
	long got;

	CHECK((int)*(volatile uint32_t *)&area->cpu_id >= 0);
	got = syscall(SYS_rseq, area, 32, 0, RSEQ_SIG);
	CHECK_INT(got, -1);
	CHECK_INT(errno, EBUSY);
}

static void *body(void *arg)
{
	rseq_verify();
	thread_up = 1;
	while (!thread_go)
		checkpoint_nap();
	rseq_verify();
	return arg;
}

int main(void)
{
	pthread_t thread;

	if (__rseq_size == 0)
		checkpoint_skip("the C library has no rseq");
	rseq_verify();
	thread = thread_start(body, NULL);
	while (!thread_up)
		checkpoint_nap();
	checkpoint_here();
	rseq_verify();
	for (int cpu = 0; cpu < 2; cpu++) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		if (sched_setaffinity(0, sizeof(set), &set) == 0)
			CHECK_INT(*(volatile uint32_t *)&rseq_area()->cpu_id,
				cpu);
	}
	thread_go = 1;
	thread_join(thread);
	checkpoint_ok();
}
#else
int main(void)
{
	checkpoint_skip("no rseq that this program knows to find");
}
#endif
