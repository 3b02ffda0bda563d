/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/self/exe and the auxiliary vector stay. */
#include "checkpoint.h"

static char auxv_before[4096], auxv_after[4096];

int main(void)
{
	char before[PATH_MAX] = "", after[PATH_MAX] = "";
	size_t len;

	CHECK_SYS(readlink("/proc/self/exe", before, sizeof(before) - 1));
	len = file_read("/proc/self/auxv", auxv_before, sizeof(auxv_before));
	checkpoint_here();
	CHECK_SYS(readlink("/proc/self/exe", after, sizeof(after) - 1));
	CHECK_STR(after, before);
	CHECK_INT(file_read("/proc/self/auxv", auxv_after, sizeof(auxv_after)),
		len);
	CHECK(memcmp(auxv_before, auxv_after, len) == 0);
	checkpoint_ok();
}
