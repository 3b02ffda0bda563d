/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The heap keeps its content and brk grows on where it was. */
#include "checkpoint.h"

int main(void)
{
	char *heap = sbrk(0), *top;

	CHECK(sbrk(1 << 20) == heap);
	mem_fill(heap, 1 << 20, 5);
	top = sbrk(0);
	checkpoint_here();
	CHECK_INT((long)sbrk(0), (long)top);
	mem_verify(heap, 1 << 20, 5, "heap");
	CHECK(sbrk(1 << 20) == top);
	mem_fill(top, 1 << 20, 6);
	mem_verify(heap, 1 << 20, 5, "heap");
	CHECK_SYS(brk(heap + 4096));
	CHECK_INT((long)sbrk(0), (long)heap + 4096);
	checkpoint_ok();
}
