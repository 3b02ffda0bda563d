/* SPDX-License-Identifier: MIT */
#include "pty.h"

#include "criu.h"

static int fd_plus_one; /* 0: none */

void pty_set(int fd)
{
	fd_plus_one = fd + 1;
}

int criu_get_orphan_pts_master_fd(void)
{
	return fd_plus_one - 1;
}
