/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/hooks.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ending.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/vec.h"
#include "kernel/pidfd.h"

enum { LOOK_MS = 100, GRACE_MS = 1000 };

extern char **environ;

/* Ours, without older CRTOOLS_ words, and with the three new ones. */
static char **hooks_environment(
	const struct run *run, const char *name, pid_t root)
{
	VEC(char *) words = {0};

	for (char **word = environ; *word; word++)
		if (strncmp(*word, "CRTOOLS_", 8))
			*vec_push(run->arena, &words) = *word;
	*vec_push(run->arena, &words) =
		arena_printf(run->arena, "CRTOOLS_SCRIPT_ACTION=%s", name);
	*vec_push(run->arena, &words) = arena_printf(run->arena,
		"CRTOOLS_IMAGE_DIR=/proc/%d/fd/%d", getpid(), run->images_dir);
	if (root > 0)
		*vec_push(run->arena, &words) =
			arena_printf(run->arena, "CRTOOLS_INIT_PID=%d", root);
	*vec_push(run->arena, &words) = NULL;
	return words.at;
}

/* Who has less rights than we cannot reach our fds: the shell of a guest's
 * script has one of its own, which all that it starts may reach. */
static bool images_are_passed(const struct run *run)
{
	return run->owner && run->images_dir >= 0;
}

static char *hooks_words(const struct run *run, const char *script)
{
	if (!images_are_passed(run))
		return arena_strdup(run->arena, script);
	return arena_printf(run->arena, "CRTOOLS_IMAGE_DIR=/proc/$$/fd/%d; %s",
		run->images_dir, script);
}

/* With no signal blocked: INT and TERM are, while a walk runs. */
static int hooks_spawn(const struct run *run, const char *script,
	char **environment, pid_t *ret_pid)
{
	char shell[] = "sh", option[] = "-c";
	char *argv[] = {shell, option, hooks_words(run, script), NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	int rc;

	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_init(&files);
	/* To itself: it stays open. */
	if (images_are_passed(run))
		posix_spawn_file_actions_adddup2(
			&files, run->images_dir, run->images_dir);
	rc = posix_spawn(ret_pid, "/bin/sh", &files, &attr, argv, environment);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return -rc;
}

/* INT and TERM end it, too: others are frozen meanwhile, so it may clean up
 * behind itself for a moment only. */
static int script_await(
	const struct run *run, pid_t pid, int *ret_status, struct err *err)
{
	_cleanup_fd_ int pidfd = -1;
	struct pollfd ended = {.events = POLLIN};
	int rc = pidfd_open_task(pid, 0, &pidfd, err);

	ended.fd = pidfd;
	while (!rc && poll(&ended, 1, LOOK_MS) <= 0) {
		rc = run_check_interrupt(run, "while", "it ran", err);
		if (!rc)
			continue;
		kill(pid, SIGTERM);
		if (poll(&ended, 1, GRACE_MS) <= 0)
			kill(pid, SIGKILL);
	}
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, "waiting for its end");
	return rc;
}

static int hooks_run_script(struct run *run, const char *script,
	const char *name, char **environment, struct err *err)
{
	char label[ENDING_LABEL];
	int rc, status;
	pid_t pid;

	log_info("running action script '%s' at %s", script, name);
	rc = hooks_spawn(run, script, environment, &pid);
	if (rc)
		return err_code(err, rc, "starting action script '%s'", script);
	rc = script_await(run, pid, &status, err);
	if (rc)
		return err_wrap(err, "action script '%s' at %s", script, name);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	run->script_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	if (WIFEXITED(status))
		return err_set(err, ECANCELED,
			"action script '%s' failed at %s with exit status %d",
			script, name, WEXITSTATUS(status));
	return err_set(err, ECANCELED,
		"action script '%s' was killed at %s by %s", script, name,
		ending_label(status, label));
}

int hooks_tell(
	const struct run *run, const char *name, pid_t root, struct err *err)
{
	if (!run->listener)
		return 0;
	return run->listener->tell(run->listener->of, name, root, err);
}

int hooks_run(struct run *run, const char *name, pid_t root, struct err *err)
{
	const struct option_words *scripts = &run->opt->action_scripts;
	char **environment;
	int rc = hooks_tell(run, name, root, err);

	if (rc || !scripts->n)
		return rc;
	environment = hooks_environment(run, name, root);
	for (size_t i = scripts->n; !rc && i-- > 0;)
		rc = hooks_run_script(
			run, scripts->at[i], name, environment, err);
	return rc;
}
