/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * library: a user of the client library. Prints what each call returned, one
 * "name value errno" a line.
 *
 *	library WHAT FOLDER [PROGRAM|SOCKET]
 */
#include <criu/criu.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char *name, int value)
{
	printf("%s %d %d\n", name, value, value < 0 ? errno : 0);
	fflush(stdout);
}

static void questions_ask(void)
{
	struct criu_feature_check features = {
		.mem_track = true, .pidfd_store = true};

	tell("version", criu_get_version());
	tell("at_least_3.0", criu_check_version(30000));
	tell("at_least_9.0", criu_check_version(90000));
	tell("check", criu_check());
	tell("features", criu_feature_check(&features, sizeof(features)));
	tell("pidfd_store", features.pidfd_store);
	tell("lazy_pages", features.lazy_pages);
}

/* A task without ties to us. */
static pid_t sleeper_start(void)
{
	int pair[2];
	char byte;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC))
		err(1, "pipe2");
	pid = fork();
	if (pid == 0) {
		setsid();
		for (int fd = 0; fd < 3; fd++)
			dup2(open("/dev/null", O_RDWR), fd);
		close_range(3, ~0U, 0);
		for (;;)
			pause();
	}
	close(pair[1]);
	if (read(pair[0], &byte, 1) != 0)
		err(1, "read");
	close(pair[0]);
	return pid;
}

static const char *refuse_at = "";

static int step_see(char *action, criu_notify_arg_t na)
{
	printf("step %s %d\n", action, criu_notify_pid(na) > 0);
	fflush(stdout);
	return strcmp(action, refuse_at) == 0 ? -99 : 0;
}

static void sleeper_end(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

/* A running one answers signal 0 and is no zombie. */
static int sleeper_runs(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0 && kill(pid, 0) == 0;
}

static void dump_refused(void)
{
	pid_t pid = sleeper_start();

	refuse_at = "post-dump";
	criu_set_notify_cb(step_see);
	criu_set_pid(pid);
	tell("dump", criu_dump());
	tell("runs", sleeper_runs(pid));
	sleeper_end(pid);
}

static void dump_twice(void)
{
	pid_t pid = sleeper_start();

	criu_set_pid(pid);
	criu_set_leave_running(true);
	tell("dump", criu_dump());
	tell("runs", sleeper_runs(pid));
	tell("taken", criu_restore()); /* so is its pid */
	sleeper_end(pid);
	criu_set_pid(pid);
	tell("gone", criu_dump());
	tell("restore", criu_restore() == pid);
	kill(pid, SIGKILL); /* a child of the worker, then of init's */
}

/* A task that says something to somebody outside, again and again. */
static pid_t speaker_start(int out)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	setsid();
	dup2(out, 1);
	dup2(open("/dev/null", O_RDWR), 0);
	dup2(0, 2);
	close_range(3, ~0U, 0);
	for (;; usleep(20 * 1000))
		if (write(1, "x", 1) != 1)
			_exit(1);
}

/* The pipe to a task is called external, and another one is given for it. */
static void pipe_replace(void)
{
	char key[40], byte = 0;
	int old[2], new[2];
	struct stat st;
	pid_t pid;

	if (pipe2(old, O_CLOEXEC) || pipe(new) || fstat(old[1], &st))
		err(1, "pipe");
	snprintf(key, sizeof(key), "pipe:[%lu]", (unsigned long)st.st_ino);
	pid = speaker_start(old[1]);
	tell("speaks", read(old[0], &byte, 1) == 1);
	criu_set_pid(pid);
	tell("refused", criu_dump());
	criu_add_external(key);
	tell("dump", criu_dump());
	waitpid(pid, NULL, 0);
	criu_add_inherit_fd(new[1], key);
	tell("restore", criu_restore_child() == pid);
	close(new[1]);
	byte = 0;
	tell("speaks_again", read(new[0], &byte, 1) == 1 && byte == 'x');
	sleeper_end(pid);
}

/* The copy goes on here, with a pid of its own history. */
static void dump_self(const char *folder)
{
	char path[4096];
	FILE *file;
	int ret;

	setsid();
	for (int fd = 0; fd < 3; fd++)
		dup2(open("/dev/null", O_RDWR), fd);
	ret = criu_dump();
	snprintf(path, sizeof(path), "%s/self", folder);
	file = fopen(path, "w");
	if (!file)
		_exit(1);
	fprintf(file, "%d %d\n", ret, ret < 0 ? errno : 0);
	fclose(file);
	_exit(ret == 1 ? 42 : 1);
}

static void restore_wait(void)
{
	int status = 0, pid = criu_restore_child();

	tell("restored", pid > 0);
	if (pid > 0 && waitpid(pid, &status, 0) == pid)
		tell("exit", WIFEXITED(status) ? WEXITSTATUS(status) : 999);
}

int main(int argc, char **argv)
{
	struct stat st;
	int folder;

	if (argc < 4)
		errx(2, "usage: library WHAT FOLDER PROGRAM|SOCKET");
	folder = open(argv[2], O_RDONLY | O_DIRECTORY);
	if (folder < 0 || stat(argv[3], &st))
		err(1, "%s, %s", argv[2], argv[3]);
	if (criu_init_opts())
		err(1, "criu_init_opts");
	if (S_ISSOCK(st.st_mode))
		criu_set_service_address(argv[3]);
	else
		criu_set_service_binary(argv[3]);
	criu_set_images_dir_fd(folder);
	criu_set_log_level(CRIU_LOG_DEBUG);
	criu_set_log_file("library.log");
	if (strcmp(argv[1], "questions") == 0)
		questions_ask();
	else if (strcmp(argv[1], "refused") == 0)
		dump_refused();
	else if (strcmp(argv[1], "twice") == 0)
		dump_twice();
	else if (strcmp(argv[1], "self") == 0)
		dump_self(argv[2]);
	else if (strcmp(argv[1], "pipe") == 0)
		pipe_replace();
	else if (strcmp(argv[1], "restore") == 0)
		restore_wait();
	else
		errx(2, "library: %s?", argv[1]);
	criu_free_opts();
	return 0;
}
