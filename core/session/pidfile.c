/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/pidfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

int pidfile_prepare(struct arena *arena, int dir, const char *name,
	struct pidfile *ret, struct err *err)
{
	struct pidfile pidfile = {.dir = dir, .fd = -1, .name = name};

	if (name) {
		pidfile.draft =
			arena_printf(arena, "%s.%d.tmp", name, getpid());
		pidfile.fd = openat(dir, pidfile.draft,
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (pidfile.fd < 0)
			return err_errno(err, "creating pidfile '%s'", name);
	}
	*ret = pidfile;
	return 0;
}

int pidfile_commit(struct pidfile *pidfile, pid_t pid, struct err *err)
{
	char text[16];
	int rc;

	if (pidfile->fd < 0)
		return 0;
	snprintf(text, sizeof(text), "%d", pid);
	rc = io_write_all(pidfile->fd, text, strlen(text));
	if (rc)
		rc = err_code(err, rc, "writing pidfile '%s'", pidfile->name);
	else if (renameat(pidfile->dir, pidfile->draft, pidfile->dir,
			 pidfile->name))
		rc = err_errno(err, "naming pidfile '%s'", pidfile->name);
	if (rc) {
		pidfile_abort(pidfile);
		return rc;
	}
	close(pidfile->fd);
	pidfile->fd = -1;
	return 0;
}

void pidfile_abort(struct pidfile *pidfile)
{
	if (pidfile->fd < 0)
		return;
	unlinkat(pidfile->dir, pidfile->draft, 0);
	close(pidfile->fd);
	pidfile->fd = -1;
}
