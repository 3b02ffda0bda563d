/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line and environment in /proc stay, changed ones too. */
#include "checkpoint.h"

static char line_before[8192], line_after[8192];
static char env_before[65536], env_after[65536];

int main(int argc, char **argv)
{
	size_t line_len, env_len;

	CHECK(argc > 0);
	memset(argv[0], 'S', 3);
	line_len = file_read("/proc/self/cmdline", line_before, 8192);
	env_len = file_read("/proc/self/environ", env_before, 65536);
	CHECK(memcmp(line_before, "SSS", 3) == 0);
	CHECK(env_len > 0);
	checkpoint_here();
	CHECK_INT(file_read("/proc/self/cmdline", line_after, 8192), line_len);
	CHECK(memcmp(line_before, line_after, line_len) == 0);
	CHECK_INT(file_read("/proc/self/environ", env_after, 65536), env_len);
	CHECK(memcmp(env_before, env_after, env_len) == 0);
	argv[0][0] = 'T';
	file_read("/proc/self/cmdline", line_after, 8192);
	CHECK_INT(line_after[0], 'T');
	checkpoint_ok();
}
