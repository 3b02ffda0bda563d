/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private anonymous memory with holes keeps every byte. */
#include "checkpoint.h"

#define LEN (24u << 20)
#define STEP (64u << 10)

int main(void)
{
	char *full = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	char *sparse = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	mem_fill(full, LEN, 1);
	for (size_t at = 0; at < LEN; at += STEP)
		mem_fill(sparse + at, 4096, at);
	checkpoint_here();
	mem_verify(full, LEN, 1, "full");
	for (size_t at = 0; at < LEN; at += STEP) {
		mem_verify(sparse + at, 4096, at, "sparse");
		for (size_t i = 4096; i < STEP; i += 512)
			CHECK_INT(sparse[at + i], 0);
	}
	mem_fill(full, LEN, 2);
	mem_verify(full, LEN, 2, "written again");
	checkpoint_ok();
}
