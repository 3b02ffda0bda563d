/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guard regions inside a mapping still fault, their neighbours do not. */
#include "checkpoint.h"
#include <setjmp.h>

#define GUARD_INSTALL 102
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

int main(void)
{
	char *mem = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	char *guard = mem + LEN / 2;

	mem_fill(mem, LEN, 101);
	if (madvise(guard, 4 * PAGE, GUARD_INSTALL) < 0)
		checkpoint_skip("no guard regions here (they are of 6.13)");
	CHECK_SYS(madvise(mem, PAGE, GUARD_INSTALL));
	signal(SIGSEGV, handler);
	CHECK_INT(touch(guard), SIGSEGV);
	checkpoint_here();
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
