/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The out-of-memory score adjustment stays. */
#include "checkpoint.h"

int main(void)
{
	char got[32];
	FILE *file = fopen("/proc/self/oom_score_adj", "we");

	CHECK(file != NULL);
	CHECK(fprintf(file, "321") == 3);
	CHECK(fclose(file) == 0);
	checkpoint_here();
	file_read("/proc/self/oom_score_adj", got, sizeof(got));
	CHECK_STR(got, "321\n");
	checkpoint_ok();
}
