/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that may be dropped at any time stays such memory. */
#include "checkpoint.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif

static void has_flag(const void *at, const char *flag)
{
	char line[256], word[8];

	smaps_line(at, "VmFlags:", line, sizeof(line));
	snprintf(word, sizeof(word), " %s ", flag);
	if (!strstr(line, word))
		FAIL("%s is not in %s", flag, line);
}

int main(void)
{
	char *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
		MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		checkpoint_skip("no droppable memory here (it is of 6.11)");
	memset(at, 'x', 4 * PAGE);
	has_flag(at, "dp");
	checkpoint_here();
	has_flag(at, "dp");
	has_flag(at, "wf");
	for (long i = 0; i < 4 * PAGE; i++)
		CHECK(at[i] == 0 || at[i] == 'x');
	at[PAGE] = 1;
	checkpoint_ok();
}
