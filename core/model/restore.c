/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/restore.h"

#include <errno.h>
#include <linux/openat2.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/place.h"

/* With his own rights anybody may go where his links lead. */
static int open_plainly(const struct restore *restore, const char *path,
	int flags, unsigned mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = resolve,
	};
	long fd;

	/* A rename or mount elsewhere in the tree makes it start again. */
	do {
		fd = syscall(
			SYS_openat2, restore->root, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	return fd < 0 ? -errno : (int)fd;
}

int restore_open(const struct restore *restore, const char *path, int flags,
	unsigned mode)
{
	const uint64_t resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;

	if (geteuid() != 0)
		return open_plainly(restore, path, flags, mode, resolve);
	return place_open(restore->root, path, flags, mode, resolve);
}

int restore_keep(const struct restore *restore, int *fd, struct err *err)
{
	int kept;

	if (!restore->keep_from)
		return 0;
	kept = fcntl(*fd, F_DUPFD_CLOEXEC, restore->keep_from);
	if (kept < 0)
		return err_errno(err, "keeping a file open");
	if (kept >= restore->keep_from + restore->keep_n) {
		close(kept);
		return err_set(err, EMFILE,
			"more than %d files are kept open at a time",
			restore->keep_n);
	}
	close(*fd);
	*fd = kept;
	return 0;
}
