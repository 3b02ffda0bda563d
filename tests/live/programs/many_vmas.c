/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Thousands of mappings stay, each with its page. */
#include "checkpoint.h"

#define COUNT 4000

int main(void)
{
	char *area = mem_map(COUNT * 8192, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS);

	for (size_t i = 0; i < COUNT; i++) {
		mem_fill(area + i * 8192, 4096, i);
		CHECK_SYS(mprotect(area + i * 8192, 4096, PROT_READ));
	}
	checkpoint_here();
	for (size_t i = 0; i < COUNT; i++) {
		mem_verify(area + i * 8192, 4096, i, "page");
		CHECK_INT(area[i * 8192 + 4096], 0);
	}
	checkpoint_ok();
}
