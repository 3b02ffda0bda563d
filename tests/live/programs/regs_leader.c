/* SPDX-License-Identifier: GPL-2.0-or-later */
/* General registers of a first thread that spins keep their values. */
#include "spin.h"

#include "general.h"

static volatile int over;

static void *watch(void *arg)
{
	(void)arg;
	while (!spin.started)
		checkpoint_nap();
	checkpoint_here();
	spin.stop = 1;
	while (!over)
		checkpoint_nap();
	for (size_t i = 0; i < general.words; i++)
		if (spin.got[i] != spin.want[i])
			FAIL("word %zu of the registers is 0x%llx, not 0x%llx",
				i, (unsigned long long)spin.got[i],
				(unsigned long long)spin.want[i]);
	checkpoint_ok();
}

int main(void)
{
	for (size_t i = 0; i < general.words; i++)
		spin.want[i] = mem_word(7, i);
	if (general.settle)
		general.settle(spin.want);
	thread_start(watch, NULL);
	general.run(&spin);
	over = 1;
	for (;;)
		pause();
}
