/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fd: file descriptors that close themselves when their scope ends. */
#ifndef STASIS_BASE_FD_H
#define STASIS_BASE_FD_H

#include <unistd.h>

static inline void fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define _cleanup_fd_ __attribute__((cleanup(fd_closep)))

/* The fd, and -1 left behind: hands an fd out of a _cleanup_fd_ scope. */
static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
