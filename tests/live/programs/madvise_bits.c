/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What madvise said about memory stays. */
#include "checkpoint.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif
#define LEN (64u << 10)

int main(void)
{
	static const int advice[] = {MADV_DONTFORK, MADV_DONTDUMP,
		MADV_SEQUENTIAL, MADV_RANDOM, MADV_NOHUGEPAGE, MADV_HUGEPAGE,
		MADV_MERGEABLE, MADV_WIPEONFORK};
	char before[COUNT_OF(advice)][160], after[160];
	char *mem[COUNT_OF(advice)];

	for (size_t i = 0; i < COUNT_OF(advice); i++) {
		mem[i] = mem_map(LEN, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS);
		mem_fill(mem[i], LEN, 90 + i);
		if (madvise(mem[i], LEN, advice[i]) < 0)
			CHECK_INT(errno, EINVAL);
		smaps_line(mem[i], "VmFlags:", before[i], sizeof(before[i]));
	}
	checkpoint_here();
	for (size_t i = 0; i < COUNT_OF(advice); i++) {
		smaps_line(mem[i], "VmFlags:", after, sizeof(after));
		CHECK_STR(after, before[i]);
		mem_verify(mem[i], LEN, 90 + i, "advised");
	}
	checkpoint_ok();
}
