/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory without access keeps its data, and its lack of access. */
#include "checkpoint.h"
#include <setjmp.h>

#define LEN (1u << 20)
/* So large that several threads copy it, and a page of each part is closed. */
#define LARGE (16 * LEN)
#define PART (2 * LEN)

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

static void parts_close(char *large)
{
	for (size_t at = PART / 2; at < LARGE; at += PART)
		CHECK_SYS(mprotect(large + at, PAGE, PROT_NONE));
}

static void parts_verify(char *large)
{
	for (size_t at = PART / 2; at < LARGE; at += PART) {
		CHECK_INT(touch(large + at), SIGSEGV);
		CHECK_SYS(mprotect(large + at, PAGE, PROT_READ));
	}
	mem_verify(large, LARGE, 54, "large");
}

int main(void)
{
	char *large = mem_map(
		LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	char *hidden = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	char *reserved = mem_map(LEN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
	char *readonly = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	mem_fill(large, LARGE, 54);
	parts_close(large);
	mem_fill(hidden, LEN, 51);
	mem_fill(readonly, LEN, 52);
	CHECK_SYS(mprotect(hidden, LEN, PROT_NONE));
	CHECK_SYS(mprotect(readonly, LEN, PROT_READ));
	signal(SIGSEGV, handler);
	checkpoint_here();
	CHECK_INT(touch(hidden), SIGSEGV);
	CHECK_INT(touch(reserved + LEN / 2), SIGSEGV);
	CHECK_SYS(mprotect(hidden, LEN, PROT_READ));
	mem_verify(hidden, LEN, 51, "hidden");
	mem_verify(readonly, LEN, 52, "readonly");
	parts_verify(large);
	CHECK_SYS(mprotect(reserved, LEN, PROT_READ | PROT_WRITE));
	mem_fill(reserved, LEN, 53);
	checkpoint_ok();
}
