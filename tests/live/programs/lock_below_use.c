/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A task that locks all memory to come, and may lock no more, still does. */
#include "checkpoint.h"

#include <errno.h>
#include <sys/resource.h>

#define LEN (16 * PAGE)

static void *locked_map(void)
{
	return mmap(NULL, LEN, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Who may lock what he likes (CAP_IPC_LOCK) is not held back. */
static bool held_back(void)
{
	void *map = locked_map();

	if (map == MAP_FAILED) {
		CHECK_INT(errno, EAGAIN);
		return true;
	}
	CHECK(madvise(map, LEN, MADV_DONTNEED) && errno == EINVAL);
	CHECK_SYS(munmap(map, LEN));
	return false;
}

static void limit_set(rlim_t value)
{
	struct rlimit limit;

	CHECK_SYS(getrlimit(RLIMIT_MEMLOCK, &limit));
	limit.rlim_cur = value;
	CHECK_SYS(setrlimit(RLIMIT_MEMLOCK, &limit));
}

int main(void)
{
	struct rlimit limit;
	char *mem;
	bool held;

	CHECK_SYS(mlockall(MCL_FUTURE));
	mem = locked_map();
	CHECK(mem != MAP_FAILED);
	mem_fill(mem, LEN, 5);
	limit_set(PAGE);
	held = held_back();
	checkpoint_here();
	mem_verify(mem, LEN, 5, "locked memory");
	CHECK_SYS(getrlimit(RLIMIT_MEMLOCK, &limit));
	CHECK_INT(limit.rlim_cur, PAGE);
	CHECK_INT(held_back(), held);
	limit_set(limit.rlim_max);
	CHECK_INT(held_back(), false);
	checkpoint_ok();
}
