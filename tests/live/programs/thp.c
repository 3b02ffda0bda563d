/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory in transparent huge pages is in huge pages after restore. */
#include "checkpoint.h"

#define HUGE (2u << 20)
#define LEN (8u << 20)

int main(void)
{
	char *room = mem_map(LEN + HUGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS);
	char *mem = (char *)(((uintptr_t)room + HUGE - 1) & -(uintptr_t)HUGE);

	if (madvise(mem, LEN, MADV_HUGEPAGE) < 0)
		checkpoint_skip("no transparent huge pages here");
	mem_fill(mem, LEN, 81);
	if (smaps_kb(mem, "AnonHugePages:") < LEN / 1024)
		checkpoint_skip("the kernel gave no huge pages");
	checkpoint_here();
	mem_verify(mem, LEN, 81, "huge");
	CHECK_INT(smaps_kb(mem, "AnonHugePages:"), LEN / 1024);
	checkpoint_ok();
}
