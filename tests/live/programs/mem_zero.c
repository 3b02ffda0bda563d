/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Read but never written memory and pages of zeroes stay zero. */
#include "checkpoint.h"

#define LEN (8u << 20)

int main(void)
{
	char *touched = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	char *zeroed = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	volatile char sum = 0;

	for (size_t at = 0; at < LEN; at += 4096)
		sum = (char)(sum + touched[at]);
	mem_fill(zeroed, LEN, 4);
	memset(zeroed, 0, LEN);
	zeroed[LEN / 2] = 1;
	checkpoint_here();
	for (size_t at = 0; at < LEN; at += 64) {
		CHECK_INT(touched[at], 0);
		CHECK_INT(zeroed[at], at == LEN / 2);
	}
	mem_fill(touched, LEN, 4);
	mem_verify(touched, LEN, 4, "written after");
	checkpoint_ok();
}
