/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

int restore_open(const struct restore *restore, const char *path, int flags,
	unsigned mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_IN_ROOT,
	};
	long fd;

	/* A rename or mount elsewhere in the tree makes it start again. */
	do {
		fd = syscall(
			SYS_openat2, restore->root, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	return fd < 0 ? -errno : (int)fd;
}
