/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hundreds of open files stay, each with its own offset. */
#include "checkpoint.h"

#define COUNT 400

int main(void)
{
	static int fds[COUNT];
	char path[PATH_MAX], name[32];

	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "file-%d", i / 4);
		fds[i] = (int)CHECK_SYS(open(
			checkpoint_path(path, name), O_RDWR | O_CREAT, 0644));
		CHECK_SYS(lseek(fds[i], i, SEEK_SET));
	}
	checkpoint_here();
	for (int i = 0; i < COUNT; i++)
		CHECK_INT(lseek(fds[i], 0, SEEK_CUR), i);
	checkpoint_ok();
}
