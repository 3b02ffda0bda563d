/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/ready.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "hooks/hooks.h"

int ready_background(int *ret_ready, struct err *err)
{
	int ready[2], null;
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		return err_errno(err, "making a pipe");
	pid = fork();
	if (pid < 0)
		return err_errno(err, "going into the background");
	if (pid > 0) {
		close(ready[1]);
		_exit(read(ready[0], &byte, 1) == 1 ? EXIT_SUCCESS
						    : EXIT_FAILURE);
	}
	close(ready[0]);
	setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	fd_closep(&null);
	*ret_ready = ready[1];
	return 0;
}

int ready_tell(const struct options *options, struct arena *arena,
	struct pidfile *pidfile, int *ready, struct err *err)
{
	struct run run = {
		.opt = options, .arena = arena, .images_dir = AT_FDCWD};
	int status_fd = options->status_fd;
	int code = pidfile_commit(pidfile, getpid(), err);

	if (!code)
		code = hooks_run(&run, "status-ready", 0, err);
	if (!code && status_fd >= 0) {
		code = io_write_all(status_fd, "", 1);
		close(status_fd);
		if (code)
			code = err_code(err, code,
				"writing to the status fd %d", status_fd);
	}
	if (!code && *ready >= 0 && write(*ready, "", 1) == 1)
		fd_closep(ready);
	return code;
}
