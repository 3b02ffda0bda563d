/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The vdso stays at its place and its clocks go on. */
#include "checkpoint.h"
#include <sys/auxv.h>
#include <sys/time.h>

int main(void)
{
	unsigned long vdso = getauxval(AT_SYSINFO_EHDR);
	char before[256], after[256];
	struct timespec now, kernel;
	struct timeval day;
	long long start = clock_ms(), passed;
	unsigned int cpu, node;

	CHECK(vdso != 0);
	smaps_line((void *)vdso, "", before, sizeof(before));
	checkpoint_here();
	smaps_line((void *)vdso, "", after, sizeof(after));
	CHECK_STR(after, before);
	CHECK(memcmp((void *)vdso, "\177ELF", 4) == 0);
	passed = clock_ms() - start;
	CHECK(passed >= 0 && passed < 20000);
	clock_gettime(CLOCK_MONOTONIC, &now);
	CHECK_SYS(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &kernel));
	CHECK(kernel.tv_sec - now.tv_sec <= 1);
	CHECK(kernel.tv_sec >= now.tv_sec);
	clock_gettime(CLOCK_REALTIME, &now);
	CHECK_SYS(syscall(SYS_clock_gettime, CLOCK_REALTIME, &kernel));
	CHECK(kernel.tv_sec - now.tv_sec <= 1);
	CHECK_SYS(gettimeofday(&day, NULL));
	CHECK(labs(day.tv_sec - kernel.tv_sec) <= 1);
	CHECK(labs(time(NULL) - kernel.tv_sec) <= 1);
	CHECK_SYS(getcpu(&cpu, &node));
	checkpoint_ok();
}
