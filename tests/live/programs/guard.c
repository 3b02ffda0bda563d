/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guard regions inside a mapping still fault, their neighbours do not; also in
 * shared memory, and in memory that is locked. */
#include "checkpoint.h"
#include <setjmp.h>

#define GUARD_INSTALL 102
#define GUARD_REMOVE 103
#define LEN (1u << 20)

static sigjmp_buf back;

static void handler(int number)
{
	siglongjmp(back, number);
}

static int touch(volatile char *at)
{
	int got = sigsetjmp(back, 1);

	if (got == 0)
		(void)*at;
	return got;
}

/* Kernels before 6.15 have no guards in shared memory. */
static char *shared_make(void)
{
	char *shared = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);

	mem_fill(shared, LEN, 103);
	if (madvise(shared + LEN / 4, 2 * PAGE, GUARD_INSTALL) < 0)
		return NULL;
	return shared;
}

static void shared_verify(char *shared)
{
	char *guard = shared + LEN / 4;

	if (!shared)
		return;
	CHECK_INT(touch(guard), SIGSEGV);
	CHECK_INT(touch(guard + PAGE), SIGSEGV);
	mem_verify(shared, LEN / 4, 103, "shared");
	CHECK_INT(touch(guard + 2 * PAGE), 0);
	/* What stands behind the guards is the object's. */
	CHECK_SYS(madvise(guard, 2 * PAGE, GUARD_REMOVE));
	mem_verify(shared, LEN, 103, "shared, unguarded");
}

static char *locked_make(void)
{
	char *locked = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	CHECK_SYS(madvise(locked + PAGE, PAGE, GUARD_INSTALL));
	/* It brings in what is before the guard, and gives up. */
	mlock(locked, LEN);
	return locked;
}

int main(void)
{
	char *mem = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	char *guard = mem + LEN / 2, *shared, *locked;
	char flags[256], before[256];

	mem_fill(mem, LEN, 101);
	if (madvise(guard, 4 * PAGE, GUARD_INSTALL) < 0)
		checkpoint_skip("no guard regions here (they are of 6.13)");
	CHECK_SYS(madvise(mem, PAGE, GUARD_INSTALL));
	signal(SIGSEGV, handler);
	CHECK_INT(touch(guard), SIGSEGV);
	shared = shared_make();
	locked = locked_make();
	smaps_line(locked, "VmFlags:", before, sizeof(before));
	checkpoint_here();
	shared_verify(shared);
	CHECK_INT(touch(locked + PAGE), SIGSEGV);
	CHECK_INT(touch(locked + 2 * PAGE), 0);
	smaps_line(locked, "VmFlags:", flags, sizeof(flags));
	CHECK_INT(strstr(flags, " lo") != NULL, strstr(before, " lo") != NULL);
	for (int i = 0; i < 4; i++)
		CHECK_INT(touch(guard + PAGE * i), SIGSEGV);
	CHECK_INT(touch(mem), SIGSEGV);
	CHECK_INT(touch(mem + PAGE), 0);
	CHECK_INT(touch(guard - 1), 0);
	CHECK_INT(touch(guard + 4 * PAGE), 0);
	mem_fill(mem + PAGE, PAGE, 102);
	CHECK_INT(*(uint64_t *)(guard + 4 * PAGE),
		mem_word(101, (LEN / 2 + 4 * PAGE) / 8));
	checkpoint_ok();
}
