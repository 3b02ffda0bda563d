/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/hooks.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/vec.h"

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

/* With no signal blocked: INT and TERM are, while a walk runs. */
static int hooks_spawn(const char *script, char **environment, pid_t *ret_pid)
{
	char shell[] = "sh", option[] = "-c";
	char *argv[] = {shell, option, (char *)script, NULL};
	posix_spawnattr_t attr;
	sigset_t none;
	int rc;

	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	rc = posix_spawn(ret_pid, "/bin/sh", NULL, &attr, argv, environment);
	posix_spawnattr_destroy(&attr);
	return -rc;
}

static int hooks_run_script(struct run *run, const char *script,
	const char *name, char **environment, struct err *err)
{
	int rc, status;
	pid_t pid;

	log_info("running action script '%s' at %s", script, name);
	rc = hooks_spawn(script, environment, &pid);
	if (rc)
		return err_code(err, rc, "starting action script '%s'", script);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(
				err, "waiting for action script '%s'", script);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	run->script_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	if (WIFEXITED(status))
		return err_set(err, ECANCELED,
			"action script '%s' failed at %s with exit status %d",
			script, name, WEXITSTATUS(status));
	return err_set(err, ECANCELED,
		"action script '%s' was killed at %s by signal %d", script,
		name, WTERMSIG(status));
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
