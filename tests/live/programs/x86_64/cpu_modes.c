/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a thread may read the time stamp counter, ask the CPU what it is and
 * use AMX's tiles stays as it was. */
#include "checkpoint.h"
#include <sys/prctl.h>

enum {
	GET_CPUID = 0x1011, /* arch_prctl */
	SET_CPUID = 0x1012,
	GET_PERMISSION = 0x1022,
	ASK_PERMISSION = 0x1023,
	TILES = 18,
};

struct modes {
	int tsc;
	long cpuid;
	unsigned long permission;
};

static struct modes modes_read(void)
{
	struct modes modes = {0};

	CHECK_SYS(prctl(PR_GET_TSC, &modes.tsc));
	modes.cpuid = syscall(SYS_arch_prctl, GET_CPUID, 0);
	/* 5.16. */
	syscall(SYS_arch_prctl, GET_PERMISSION, &modes.permission);
	return modes;
}

static void modes_check(struct modes before)
{
	struct modes after = modes_read();

	CHECK_INT(after.tsc, before.tsc);
	CHECK_INT(after.cpuid, before.cpuid);
	CHECK_INT(after.permission, before.permission);
}

static volatile int thread_up, thread_go;

/* Not every CPU has all of them. */
static void *other(void *arg)
{
	struct modes before;

	CHECK_SYS(prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
	syscall(SYS_arch_prctl, SET_CPUID, 0);
	before = modes_read();
	CHECK_INT(before.tsc, PR_TSC_SIGSEGV);
	thread_up = 1;
	while (!thread_go)
		checkpoint_nap();
	modes_check(before);
	return arg;
}

int main(void)
{
	pthread_t thread;
	struct modes before;

	syscall(SYS_arch_prctl, ASK_PERMISSION, TILES);
	before = modes_read();
	CHECK_INT(before.tsc, PR_TSC_ENABLE);
	thread = thread_start(other, NULL);
	while (!thread_up)
		checkpoint_nap();
	checkpoint_here();
	modes_check(before);
	thread_go = 1;
	thread_join(thread);
	checkpoint_ok();
}
