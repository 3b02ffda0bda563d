/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "hooks/hooks.h"
#include "test.h"

/* Runs scripts whose output goes to a pipe; what they wrote is in out. */
struct told {
	struct arena *arena;
	struct options options;
	struct run run;
	struct err err;
	int rc;
	char out[500];
};

static struct told tell(const char *first, const char *second, pid_t root)
{
	struct told t = {.arena = arena_new(), .err = {.text = "no error"}};
	int ends[2];
	ssize_t got;

	t.run = (struct run){
		.opt = &t.options, .arena = t.arena, .images_dir = 5};
	if (!CHECK_INT(pipe(ends), 0))
		return t;
	*vec_push(t.arena, &t.options.action_scripts) =
		arena_printf(t.arena, "exec >&%d; %s", ends[1], first);
	if (second)
		*vec_push(t.arena, &t.options.action_scripts) =
			arena_printf(t.arena, "exec >&%d; %s", ends[1], second);
	t.rc = hooks_run(&t.run, "post-dump", root, &t.err);
	close(ends[1]);
	got = read(ends[0], t.out, sizeof(t.out) - 1);
	t.out[got > 0 ? got : 0] = '\0';
	close(ends[0]);
	return t;
}

static void told_free(struct told *t)
{
	arena_free(t->arena);
}

#define TELL(name, ...) \
	__attribute__((cleanup(told_free))) struct told name = tell(__VA_ARGS__)

TEST(a_script_knows_the_moment_the_images_and_the_root)
{
	char expected[200];
	TELL(t,
		"echo $CRTOOLS_SCRIPT_ACTION $CRTOOLS_IMAGE_DIR "
		"$CRTOOLS_INIT_PID",
		NULL, 77);

	snprintf(expected, sizeof(expected), "post-dump /proc/%d/fd/5 77\n",
		getpid());
	CHECK_INT(t.rc, 0);
	CHECK_STR(t.out, expected);
}

TEST(without_a_root_there_is_no_pid)
{
	setenv("CRTOOLS_INIT_PID", "older", 1);
	TELL(t, "echo ${CRTOOLS_INIT_PID-none}", NULL, 0);
	unsetenv("CRTOOLS_INIT_PID");
	CHECK_STR(t.out, "none\n");
}

TEST(the_last_script_is_run_first)
{
	TELL(t, "echo first", "echo last", 0);

	CHECK_STR(t.out, "last\nfirst\n");
}

TEST(a_script_that_fails_stops_the_others)
{
	TELL(t, "echo first", "exit 7", 0);

	CHECK_INT(t.rc, -ECANCELED);
	CHECK_STR(t.out, "");
	CHECK(strstr(t.err.text, "failed at post-dump with exit status 7"));
}

TEST(a_script_that_is_killed_has_failed)
{
	TELL(t, "kill -9 $$", NULL, 0);

	CHECK_INT(t.rc, -ECANCELED);
	CHECK(strstr(t.err.text, "was killed at post-dump by signal 9"));
}

TEST(scripts_can_be_interrupted_while_we_cannot)
{
	sigset_t term, before;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	TELL(t, "kill -TERM $$; echo lived", NULL, 0);
	sigprocmask(SIG_SETMASK, &before, NULL);
	CHECK_INT(t.rc, -ECANCELED);
	CHECK_STR(t.out, "");
}
