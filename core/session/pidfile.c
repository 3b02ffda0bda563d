/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/pidfile.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"

int pidfile_prepare(
	int dir, const char *path, struct pidfile *ret, struct err *err)
{
	struct pidfile pidfile = {.folder = -1, .fd = -1, .path = path};
	int code;

	if (path) {
		pidfile.folder = place_open_folder(dir, path, &pidfile.name);
		pidfile.fd = pidfile.folder < 0 ? pidfile.folder
						: place_new_file(pidfile.folder,
							  0644, pidfile.draft);
		if (pidfile.fd < 0) {
			fd_closep(&pidfile.folder);
			return err_code(
				err, pidfile.fd, "creating pidfile '%s'", path);
		}
		code = place_check_name(
			pidfile.folder, pidfile.name, pidfile.fd, err);
		if (code) {
			err_wrap(err, "creating pidfile '%s'", path);
			pidfile_abort(&pidfile);
			return code;
		}
	}
	*ret = pidfile;
	return 0;
}

static void pidfile_close(struct pidfile *pidfile)
{
	close(fd_take(&pidfile->fd));
	close(fd_take(&pidfile->folder));
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
		rc = err_code(err, rc, "writing pidfile '%s'", pidfile->path);
	else if (renameat(pidfile->folder, pidfile->draft, pidfile->folder,
			 pidfile->name))
		rc = err_errno(err, "naming pidfile '%s'", pidfile->path);
	if (rc) {
		pidfile_abort(pidfile);
		return rc;
	}
	pidfile_close(pidfile);
	return 0;
}

void pidfile_abort(struct pidfile *pidfile)
{
	if (pidfile->fd < 0)
		return;
	place_remove(pidfile->folder, pidfile->draft, pidfile->fd);
	pidfile_close(pidfile);
}
