/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/place.h"
#include "base/shown.h"
#include "cpuinfo/cpuinfo.h"
#include "dump/dump.h"
#include "hooks/hooks.h"
#include "image/set.h"
#include "image/streamer.h"
#include "inspect/inspect.h"
#include "kernel/caps.h"
#include "model/tracer.h"
#include "options/table.h"
#include "options/version.h"
#include "pages/dedup.h"
#include "restore/restore.h"
#include "session/incoming.h"
#include "session/lazy_pages.h"
#include "session/lent.h"
#include "session/page_server.h"
#include "session/pidfile.h"
#include "session/ready.h"
#include "session/recover.h"

/* Seconds for which an image streamer may stand still. */
enum { STREAM_IDLE = 60 };

static int session_open_dir(
	const char *path, const char *what, int *ret_fd, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code;

	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	code = err_errno(err, "opening the %s directory '%s'", what, path);
	if (code == -ENOENT)
		err_hint(err, "create it, or name another one");
	return code;
}

static int session_open_log(
	struct session *session, const struct options *o, struct err *err)
{
	enum log_level level = LOG_DEBUG;
	int code;

	if (o->verbosity < LOG_DEBUG)
		level = (enum log_level)o->verbosity;
	if (!o->log_file) {
		log_open(STDERR_FILENO, level);
		return 0;
	}
	code = place_create(session->run.work_dir, o->log_file, 0600,
		&session->log_fd, err);
	if (code)
		return err_wrap(err, "the log file");
	log_open(session->log_fd, level);
	return 0;
}

void session_log_notes(const struct options *o)
{
	for (size_t i = 0; i < o->warnings.n; i++)
		log_warn("%s", o->warnings.at[i]);
	for (size_t i = 0; i < o->notes.n; i++)
		log_info("%s", o->notes.at[i]);
}

/* Reading images is for everybody; touching processes is not. */
static int session_check_rights(const struct options *o, struct err *err)
{
	if (o->verb == VERB_INSPECT || o->verb == VERB_RECOVER ||
		o->verb == VERB_DEDUP || o->verb == VERB_PAGE_SERVER ||
		o->verb == VERB_CPUINFO_DUMP || o->verb == VERB_CPUINFO_CHECK ||
		o->plan)
		return 0;
	if (!caps_have(CAP_SYS_ADMIN) && !caps_have(CAP_CHECKPOINT_RESTORE)) {
		err_set(err, EPERM,
			"%s needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE",
			verb_rows[o->verb].name);
		return err_hint(err, "run it as root");
	}
	if (geteuid() && !o->unprivileged) {
		err_set(err, EPERM, "%s is run by a user who is not root",
			verb_rows[o->verb].name);
		return err_hint(err, "run it as root, or try --unprivileged");
	}
	return 0;
}

static void recovered_log(void *of, const char *sentence)
{
	(void)of;
	log_warn("an engine was killed here: %s", sentence);
}

/* What an engine before us left in these places; it hinders nothing, so what
 * cannot be taken back is only told. */
static void session_clear_place(struct run *run)
{
	struct err told = {0};

	if (run->opt->plan || (run->opt->verb != VERB_DUMP &&
				      run->opt->verb != VERB_PRE_DUMP &&
				      run->opt->verb != VERB_RESTORE))
		return;
	if (recover_dir(run->arena, run->work_dir, recovered_log, NULL, &told))
		log_warn("%s", told.text);
	if (run->opt->piped ||
		!strcmp(run->opt->work_dir, run->opt->images_dir))
		return;
	if (recover_dir(
		    run->arena, run->images_dir, recovered_log, NULL, &told))
		log_warn("%s", told.text);
}

static int session_open_all(
	struct session *session, const struct options *o, struct err *err)
{
	struct run *run = &session->run;
	int rc;

	rc = incoming_divert(run, err);
	if (rc)
		return rc;
	rc = session_open_dir(o->piped ? o->work_dir : o->images_dir, "image",
		&run->images_dir, err);
	if (rc)
		return rc;
	rc = session_open_dir(o->work_dir, "work", &run->work_dir, err);
	if (rc)
		return rc;
	if (fchdir(run->work_dir))
		return err_errno(
			err, "entering the work directory '%s'", o->work_dir);
	rc = session_open_log(session, o, err);
	if (rc)
		return rc;
	log_info("Stasis %s: %s, images in '%s'", STASIS_VERSION,
		verb_rows[o->verb].name, o->images_dir);
	if (o->status_fd >= 0 && !(o->verb == VERB_DUMP && o->lazy_pages))
		log_warn("nobody connects to this %s: no byte is written to "
			 "the status fd",
			verb_rows[o->verb].name);
	session_log_notes(o);
	if (!run->be)
		return err_set(err, ENOSYS, "this machine is not supported");
	run->undo = undo_new(run->arena, run->work_dir);
	rc = session_check_rights(o, err);
	if (!rc)
		rc = lent_owner(run->arena, &run->owner, err);
	if (!rc)
		session_clear_place(run);
	return rc;
}

int session_open(struct session *ret, struct arena *arena,
	const struct options *options, struct err *err)
{
	struct session session = {
		.run = {.opt = options,
			.be = backend_host(),
			.arena = arena,
			.images_dir = -1,
			.work_dir = -1,
			.piped = -1,
			.page_size = (uint64_t)sysconf(_SC_PAGESIZE)},
		.log_fd = -1,
	};
	int rc = session_open_all(&session, options, err);

	if (rc) {
		fd_closep(&session.run.images_dir);
		fd_closep(&session.run.work_dir);
		session.run.images_dir = session.run.work_dir = -1;
	}
	*ret = session;
	return rc;
}

void session_close(struct session *session)
{
	undo_close(session->run.undo);
	fd_closep(&session->run.piped);
	session->run.piped = -1;
	fd_closep(&session->run.images_dir);
	fd_closep(&session->run.work_dir);
	if (session->log_fd >= 0)
		log_open(STDERR_FILENO, LOG_WARN);
	fd_closep(&session->log_fd);
	session->run.images_dir = session->run.work_dir = -1;
	session->log_fd = -1;
}

/* INT and TERM wait until the walk is at a point where it can turn back. */
static void session_be_patient(struct session *session)
{
	sigset_t patient;

	sigemptyset(&patient);
	sigaddset(&patient, SIGINT);
	sigaddset(&patient, SIGTERM);
	session->run.patient =
		!sigprocmask(SIG_BLOCK, &patient, &session->mask);
}

void session_relax(struct session *session)
{
	if (session->run.patient)
		sigprocmask(SIG_SETMASK, &session->mask, NULL);
	session->run.patient = false;
}

/* The work is done; numbers about it that cannot be written undo nothing. */
static void session_leave_stats(struct run *run, enum stats_of of)
{
	struct err err;

	/* A stream leaves nothing behind, unless it is said where. */
	if ((!run->opt->piped || run->opt->work_dir_given) &&
		stats_write(run->work_dir, of, &run->stats, &err))
		log_warn("%s", err.text);
	if (run->opt->display_stats)
		stats_print(stdout, of, &run->stats);
}

/* What is changed for a dump is written down by who changes it. */
static int session_walk_dump(void *of, struct err *err)
{
	struct run *run = of;
	int code = dump_run(run, err);

	undo_close(run->undo);
	return code;
}

/* When the new images are whole; a failure undoes nothing. */
static void session_free_old(struct run *run)
{
	struct dedup_result freed = {0};
	struct err err = {0};
	int code;

	if (!run->opt->auto_dedup)
		return;
	if (run->opt->verb == VERB_RESTORE)
		code = dedup_spend(run->arena, run->images_dir, &freed, &err);
	else
		code = dedup_parents(run->arena, run->images_dir, &freed, &err);
	if (code)
		log_warn("freeing old copies of pages: %s", err.text);
	else
		log_info("freed %llu pages of %u image sets",
			(unsigned long long)freed.pages, freed.sets);
}

int session_dump(struct session *session, struct err *err)
{
	struct run *run = &session->run;
	int rc;

	rc = run_put_aside(run, err);
	if (rc)
		return rc;
	session_be_patient(session);
	rc = tracer_run(run, session_walk_dump, run, err);
	if (!rc) {
		session_leave_stats(run, STATS_DUMP);
		session_free_old(run);
		log_info("%s finished successfully",
			run->opt->verb == VERB_PRE_DUMP ? "Pre-dumping"
							: "Dumping");
	}
	return rc;
}

static int session_restore_tree(
	struct session *session, pid_t *ret_root, struct err *err)
{
	struct run *run = &session->run;
	struct pidfile pidfile;
	pid_t root;
	int rc;

	rc = pidfile_prepare(run->work_dir, run->opt->pidfile, &pidfile, err);
	if (rc)
		return rc;
	rc = restore_run(run, &root, err);
	if (rc) {
		pidfile_abort(&pidfile);
		return rc;
	}
	*ret_root = root;
	undo_close(run->undo);
	session_leave_stats(run, STATS_RESTORE);
	session_free_old(run);
	log_info("Restore finished successfully. Tasks resumed.");
	rc = pidfile_commit(&pidfile, root, err);
	return rc ? err_wrap(err, "the tasks run, but") : 0;
}

int session_restore(struct session *session, pid_t *ret_root, struct err *err)
{
	struct incoming incoming;
	int rc;

	if (session->run.opt->tree)
		log_warn("-t is not used by restore: the images know the pids");
	rc = run_put_aside(&session->run, err);
	if (rc)
		return rc;
	session_be_patient(session);
	rc = incoming_open(&session->run, &incoming, err);
	if (!rc)
		rc = session_restore_tree(session, ret_root, err);
	return incoming_close(&session->run, &incoming, rc, err);
}

int session_plan(struct session *session, FILE *out, struct err *err)
{
	struct incoming incoming;
	int rc = incoming_open(&session->run, &incoming, err);

	if (!rc)
		rc = restore_plan_print(&session->run, out, err);
	return incoming_close(&session->run, &incoming, rc, err);
}

int session_inspect(struct session *session, FILE *out, struct err *err)
{
	const struct options *o = session->run.opt;
	_cleanup_image_set_ struct image_set *set = NULL;
	int rc;

	rc = image_set_open(
		session->run.arena, session->run.images_dir, &set, err);
	if (rc)
		return rc;
	return inspect_print(set, out, o->json, o->stacks, err);
}

/* Who serves others says so once it is open; with --daemon its caller goes on
 * from here. */
static int serving_announce(
	struct session *session, struct pidfile *pidfile, struct err *err)
{
	struct run *run = &session->run;
	int ready = -1, code = 0;

	if (run->opt->restore_detached)
		code = ready_background(&ready, err);
	session_be_patient(session);
	return code ?: ready_tell(run->opt, run->arena, pidfile, &ready, err);
}

int session_page_server(struct session *session, struct err *err)
{
	struct run *run = &session->run;
	struct page_server server = PAGE_SERVER_CLOSED;
	struct pidfile pidfile;
	int code;

	code = pidfile_prepare(run->work_dir, run->opt->pidfile, &pidfile, err);
	if (code)
		return code;
	code = page_server_open(run, &server, err);
	if (!code)
		code = serving_announce(session, &pidfile, err);
	if (!code)
		code = page_server_serve(run, &server, 0, err);
	pidfile_abort(&pidfile);
	page_server_close(&server);
	return code;
}

int session_lazy_pages(struct session *session, struct err *err)
{
	struct run *run = &session->run;
	struct lazy_pages daemon = LAZY_PAGES_CLOSED;
	struct pidfile pidfile;
	int code;

	code = pidfile_prepare(run->work_dir, run->opt->pidfile, &pidfile, err);
	if (code)
		return code;
	code = lazy_pages_open(run, &daemon, err);
	if (!code)
		code = serving_announce(session, &pidfile, err);
	if (!code)
		code = lazy_pages_serve(run, &daemon, err);
	pidfile_abort(&pidfile);
	lazy_pages_close(&daemon);
	return code;
}

struct hearing {
	FILE *out;
	size_t n;
};

static void recovered_print(void *of, const char *sentence)
{
	struct hearing *hearing = of;

	shown_print(hearing->out, "%s\n", sentence);
	hearing->n++;
}

int session_recover(struct session *session, FILE *out, struct err *err)
{
	struct run *run = &session->run;
	struct hearing hearing = {.out = out};
	int code, also = 0;

	code = recover_dir(
		run->arena, run->work_dir, recovered_print, &hearing, err);
	if (strcmp(run->opt->work_dir, run->opt->images_dir))
		also = recover_dir(run->arena, run->images_dir, recovered_print,
			&hearing, code ? ERR_UNREAD : err);
	if (!code && !also && !hearing.n)
		shown_print(out, "there is nothing to recover in '%s'\n",
			run->opt->images_dir);
	return code ?: also;
}

/* A set of one file. */
static int cpuinfo_send(struct run *run, struct stream *stream, struct err *err)
{
	_cleanup_image_set_ struct image_set *set = NULL;
	CpuinfoEntry *entry = NULL;
	int code = cpuinfo_describe(run->arena, &entry, err);

	streamer_open(stream);
	if (!code)
		code = image_set_create_stream(
			run->arena, run->images_dir, stream, &set, err);
	if (!code)
		code = cpuinfo_append(set, entry, err)
			       ?: image_set_commit(set, NULL, err)
			       ?: stream_end(stream, err);
	streamer_close(stream);
	return code;
}

static int cpuinfo_stream(struct run *run, struct err *err)
{
	struct stream stream = {.fd = -1, .idle_seconds = STREAM_IDLE};
	int code = hooks_run(run, "pre-stream", 0, err);

	if (!code)
		code = streamer_connect(&stream, run->images_dir,
			STREAMER_CAPTURE, &stream.fd, err);
	if (!code)
		code = cpuinfo_send(run, &stream, err);
	fd_closep(&stream.fd);
	return code;
}

int session_dedup(struct session *session, FILE *out, struct err *err)
{
	struct run *run = &session->run;
	struct dedup_result freed = {0};
	int code = dedup_parents(run->arena, run->images_dir, &freed, err);

	if (!code)
		shown_print(out, "freed %llu pages of %u image sets\n",
			(unsigned long long)freed.pages, freed.sets);
	return code;
}

int session_cpuinfo_dump(struct session *session, struct err *err)
{
	if (session->run.opt->stream)
		return cpuinfo_stream(&session->run, err);
	return cpuinfo_write(session->run.arena, session->run.images_dir, err);
}

int session_cpuinfo_check(struct session *session, FILE *out, struct err *err)
{
	uint32_t cap = session->run.opt->cpu_cap;
	const char *image, *here;
	int code;

	/* To ask for nothing is no check; other engines say the same. */
	if (!(cap & CPU_CAP_ALL))
		cap |= CPU_CAP_ALL;
	code = cpuinfo_check(session->run.arena, session->run.images_dir, cap,
		&image, &here, err);
	if (!code && out)
		shown_print(out,
			"this host (%s) can run the processes of the image's "
			"host (%s)\n",
			here, image);
	return code;
}
