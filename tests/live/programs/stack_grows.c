/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main stack keeps deep data and grows on. */
#include "checkpoint.h"

#define LEN (256u << 10)

static void deep(int level)
{
	char frame[LEN];

	mem_fill(frame, sizeof(frame), (uint64_t)level);
	if (level == 3)
		checkpoint_here();
	if (level < 16)
		deep(level + 1);
	mem_verify(frame, sizeof(frame), (uint64_t)level, "frame");
}

int main(void)
{
	deep(1);
	checkpoint_ok();
}
