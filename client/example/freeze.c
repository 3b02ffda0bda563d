/* SPDX-License-Identifier: MIT */
/*
 * freeze: a child counts, is frozen into a folder of images, and comes back as
 * a child of ours that goes on counting.
 *
 *	freeze FOLDER [PROGRAM]
 *
 * PROGRAM is who serves; by default "criu" or "stasis" on $PATH.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/criu.h"

/* The count is its memory, and at the end its exit status. Nothing ties it to
 * us: neither session, nor terminal, nor a descriptor. */
static void counter_run(void)
{
	int count = 0;

	if (setsid() < 0)
		_exit(100);
	for (int fd = 0; fd < 3; fd++)
		if (dup2(open("/dev/null", O_RDWR), fd) < 0)
			_exit(100);
	close_range(3, ~0U, 0);
	while (count < 30) {
		usleep(100000);
		count++;
	}
	_exit(count);
}

static pid_t counter_start(void)
{
	int pair[2];
	char byte;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC))
		err(1, "pipe2");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		counter_run();
	close(pair[1]);
	/* Ends when the child has let go of its end, too. */
	if (read(pair[0], &byte, 1) != 0)
		err(1, "read");
	close(pair[0]);
	return pid;
}

static int step_tell(char *action, criu_notify_arg_t na)
{
	printf("step %s, pid %d\n", action, criu_notify_pid(na));
	return 0;
}

static int library_fail(const char *what, int ret)
{
	fprintf(stderr, "%s: %s", what, strerror(-ret));
	fprintf(stderr, errno ? " (%s)\n" : "\n", strerror(errno));
	return 1;
}

static int child_freeze(pid_t pid)
{
	int ret, status;

	criu_set_pid(pid);
	ret = criu_dump();
	if (ret < 0)
		return library_fail("dump", ret);
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
		errx(1, "the child was not taken");
	printf("%d is frozen\n", pid);
	return 0;
}

static int child_thaw(void)
{
	int ret, status;

	ret = criu_restore_child();
	if (ret <= 0)
		return library_fail("restore", ret);
	printf("%d is back\n", ret);
	if (waitpid(ret, &status, 0) != ret)
		err(1, "it is no child of ours");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 30)
		errx(1, "it did not count to its end: 0x%x", status);
	printf("%d counted to 30\n", ret);
	return 0;
}

int main(int argc, char **argv)
{
	int folder, ret;
	pid_t pid;

	if (argc < 2 || argc > 3)
		errx(2, "usage: freeze FOLDER [PROGRAM]");
	setvbuf(stdout, NULL, _IOLBF, 0);
	folder = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		err(1, "%s", argv[1]);
	criu_init_opts();
	if (argc == 3)
		criu_set_service_binary(argv[2]);
	criu_set_images_dir_fd(folder);
	criu_set_log_level(CRIU_LOG_DEBUG);
	criu_set_log_file("freeze.log");
	criu_set_notify_cb(step_tell);
	ret = criu_get_version();
	if (ret < 0)
		return library_fail("version", ret);
	printf("version %d\n", ret);
	pid = counter_start();
	ret = child_freeze(pid) || child_thaw();
	if (ret)
		kill(pid, SIGKILL);
	criu_free_opts();
	return ret;
}
