/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/oom.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"

enum { NEVER = -1000 };

static const char own_file[] = "/proc/self/oom_score_adj";

int oom_hide(void)
{
	_cleanup_fd_ int fd = open(own_file, O_RDONLY | O_CLOEXEC);
	char text[16] = "";

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return NEVER;
	if (io_write_text(AT_FDCWD, own_file, "-1000"))
		return NEVER;
	return atoi(text);
}

void oom_expose(int was)
{
	char text[16];

	if (was == NEVER)
		return;
	snprintf(text, sizeof(text), "%d", was);
	io_write_text(AT_FDCWD, own_file, text);
}
