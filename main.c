/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stasis: freeze process trees to images and bring them back. One of the two
 * places that report errors to people. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/shown.h"
#include "check/check.h"
#include "cpuinfo/compare.h"
#include "options/help.h"
#include "service/daemon.h"
#include "service/worker.h"
#include "session/lent.h"
#include "session/session.h"

enum { EXIT_SOME_CANNOT = 2 };

/* Once to the terminal, and into the log file if there is one. */
static int report(const struct err *err, bool log_too)
{
	fflush(stdout);
	shown_print(stderr, "stasis: %s\n", err->text);
	if (err->hint[0])
		shown_print(stderr, "hint: %s\n", err->hint);
	if (log_too)
		log_error("stasis", err);
	return EXIT_FAILURE;
}

/* All children, whatever becomes of them. */
static void wait_for_children(void)
{
	while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
		;
}

static int become_command(const char *const *argv, struct err *err)
{
	fflush(stdout);
	execvp(argv[0], (char *const *)argv);
	return err_errno(err, "the tasks run, but running '%s'", argv[0]);
}

static void tell_summary(const struct session *session, enum stats_of of)
{
	const struct run *run = &session->run;

	if (run->opt->verbosity)
		stats_print_summary(stdout, of, &run->stats, run->page_size);
	fflush(stdout);
}

static int run_dump(struct session *session, struct err *err)
{
	int rc = session_dump(session, err);

	if (!rc)
		tell_summary(session, STATS_DUMP);
	return rc;
}

static int run_restore(struct session *session, struct err *err)
{
	const struct options *o = session->run.opt;
	pid_t root;
	int rc;

	if (o->plan)
		return session_plan(session, stdout, err);
	rc = session_restore(session, &root, err);
	if (rc)
		return rc;
	tell_summary(session, STATS_RESTORE);
	if (o->restore_detached)
		return 0;
	session_relax(session);
	if (o->exec_cmd)
		return become_command(o->exec_argv, err);
	wait_for_children();
	return 0;
}

static int run_verb(struct session *session, struct err *err)
{
	switch (session->run.opt->verb) {
	case VERB_DUMP:
	case VERB_PRE_DUMP:
		return run_dump(session, err);
	case VERB_RESTORE:
		return run_restore(session, err);
	case VERB_INSPECT:
		return session_inspect(session, stdout, err);
	case VERB_PAGE_SERVER:
		return session_page_server(session, err);
	case VERB_LAZY_PAGES:
		return session_lazy_pages(session, err);
	case VERB_DEDUP:
		return session_dedup(session, stdout, err);
	case VERB_RECOVER:
		return session_recover(session, stdout, err);
	case VERB_CPUINFO_DUMP:
		return session_cpuinfo_dump(session, err);
	case VERB_CPUINFO_CHECK:
		return session_cpuinfo_check(session, stdout, err);
	default:
		return err_set(err, ENOSYS, "this verb is not built yet");
	}
}

/* Not even what was put aside was enough: all that was done is undone. */
static void session_undo(void *of)
{
	struct session *session = of;
	struct err err = {0};

	run_no_memory(arena_failed(session->run.arena), &err);
	report(&err, session->log_fd >= 0);
	_exit(EXIT_FAILURE);
}

static int run_session(struct arena *arena, const struct options *options)
{
	struct session session = {.run.arena = arena, .log_fd = -1};
	struct arena_end end = {.undo = session_undo, .of = &session};
	struct err err = {0};
	int rc;

	arena_end_push(arena, &end);
	rc = session_open(&session, arena, options, &err);
	if (!rc)
		rc = run_verb(&session, &err);
	if (rc)
		rc = report(&err, session.log_fd >= 0);
	if (session.run.scripts_decide)
		rc = session.run.script_status;
	session_close(&session);
	arena_end_pop(arena, &end);
	return rc;
}

static int run_check(const struct options *options)
{
	struct err err = {0};
	int rc = check_run(options, stdout, &err);

	return rc ? report(&err, false) : 0;
}

/* EXIT_SOME_CANNOT: compared, and not every host can take all. */
static int run_compare(struct arena *arena, const struct options *options)
{
	struct cpu_comparison comparison;
	struct err err = {0};

	if (compare_hosts(arena, options->against.at, options->against.n,
		    options->cpu_cap, &comparison, &err))
		return report(&err, false);
	if (options->json)
		compare_print_json(arena, &comparison, stdout);
	else
		compare_print_text(arena, &comparison, stdout);
	return comparison.all_can ? 0 : EXIT_SOME_CANNOT;
}

static int run_swrk(const struct options *options)
{
	struct err err = {0};
	int rc = worker_run_inherited(options->swrk_fd, &err);

	if (rc >= 0)
		return rc;
	report(&err, false);
	return WORKER_FAILED;
}

static int run_service(struct arena *arena, const struct options *options)
{
	struct err err = {0};

	return daemon_run(arena, options, &err) ? report(&err, false) : 0;
}

static int list_steps(void)
{
	for (const char *const *step = run_steps; *step; step++)
		shown_print(stdout, "%s\n", *step);
	return 0;
}

static int run_options(struct arena *arena, const struct options *options)
{
	for (size_t i = 0; i < options->close_fds.n; i++)
		close(options->close_fds.at[i]);
	switch (options->verb) {
	case VERB_HELP:
		help_print(stdout, options->help_for);
		return 0;
	case VERB_VERSION:
		help_print_version(stdout);
		return 0;
	case VERB_STEPS:
		return list_steps();
	case VERB_CHECK:
		log_open(STDERR_FILENO, LOG_WARN);
		session_log_notes(options);
		return run_check(options);
	case VERB_SERVICE:
		session_log_notes(options);
		return run_service(arena, options);
	case VERB_SWRK:
		return run_swrk(options);
	case VERB_CPUINFO_CHECK:
		if (options->against.n)
			return run_compare(arena, options);
		return run_session(arena, options);
	default:
		return run_session(arena, options);
	}
}

/* The kernel lets the stack grow as far as the limit says at that moment. */
static void stack_allow(void)
{
	const rlim_t enough = 8 << 20;
	struct rlimit limit;

	if (getrlimit(RLIMIT_STACK, &limit) || limit.rlim_cur >= enough)
		return;
	limit.rlim_cur = limit.rlim_max < enough ? limit.rlim_max : enough;
	setrlimit(RLIMIT_STACK, &limit);
}

static void over_limit(int sig)
{
	(void)sig;
}

/* What would make a file greater than RLIMIT_FSIZE allows fails with EFBIG, and
 * is told as that; as before who begins with SIGXFSZ ignored. A handler and not
 * SIG_IGN: what we run does not inherit it. */
static void files_too_large_fail(void)
{
	struct sigaction now,
		handle = {.sa_handler = over_limit, .sa_flags = SA_RESTART};

	if (!sigaction(SIGXFSZ, NULL, &now) && now.sa_handler == SIG_DFL)
		sigaction(SIGXFSZ, &handle, NULL);
}

int main(int argc, char **argv)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct options options;
	struct err err = {0};
	const char *note;
	int rc;

	if (lent_return(arena, &note, &err))
		return report(&err, false);
	stack_allow();
	files_too_large_fail();
	if (options_parse(arena, argc, argv, &options, &err))
		return report(&err, false);
	if (note)
		*vec_push(arena, &options.notes) = note;
	rc = run_options(arena, &options);
	if (rc != EXIT_FAILURE && (fflush(stdout) || ferror(stdout))) {
		err_errno(&err, "writing to standard output");
		return report(&err, false);
	}
	return rc;
}
