/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Thousands of mappings stay, each with its page. */
#include "checkpoint.h"

#define COUNT 4000

int main(void)
{
	char *area = mem_map(COUNT * 2 * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS);

	for (size_t i = 0; i < COUNT; i++) {
		mem_fill(area + i * 2 * PAGE, PAGE, i);
		CHECK_SYS(mprotect(area + i * 2 * PAGE, PAGE, PROT_READ));
	}
	checkpoint_here();
	for (size_t i = 0; i < COUNT; i++) {
		mem_verify(area + i * 2 * PAGE, PAGE, i, "page");
		CHECK_INT(area[i * 2 * PAGE + PAGE], 0);
	}
	checkpoint_ok();
}
