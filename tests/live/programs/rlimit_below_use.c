/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits of memory that are below what is in use hold, and hinder nothing. */
#include "checkpoint.h"

#include <sys/resource.h>

enum { SIZE = 32 << 20 };

static void limit_set(int which)
{
	struct rlimit limit = {4096, RLIM_INFINITY};

	CHECK_SYS(getrlimit(which, &limit));
	limit.rlim_cur = 4096;
	CHECK_SYS(setrlimit(which, &limit));
}

static void limit_verify(int which)
{
	struct rlimit limit;

	CHECK_SYS(getrlimit(which, &limit));
	CHECK_INT(limit.rlim_cur, 4096);
}

int main(void)
{
	char *mem = mem_map(
		SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	mem_fill(mem, SIZE, 7);
	limit_set(RLIMIT_DATA);
	limit_set(RLIMIT_AS);
	limit_set(RLIMIT_STACK);
	checkpoint_here();
	mem_verify(mem, SIZE, 7, "memory above the limits");
	limit_verify(RLIMIT_DATA);
	limit_verify(RLIMIT_AS);
	limit_verify(RLIMIT_STACK);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	checkpoint_ok();
}
