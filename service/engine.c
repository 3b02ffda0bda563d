/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests that need a session: from criu_opts to a walk and back. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "check/check.h"
#include "kernel/sockdiag.h"
#include "options/table.h"
#include "service/notify.h"
#include "service/request.h"
#include "service/wish.h"
#include "session/page_server.h"
#include "session/session.h"

struct engine {
	struct wish wish;
	struct session session;
	struct run_listener listener;
};

/* --- places --------------------------------------------------------------- */

static int client_path(
	const struct worker *worker, int fd, const char **ret, struct err *err)
{
	if (!worker->peer.pid)
		return err_set(err, ESRCH,
			"the client is in a pid namespace that is not visible "
			"from here, so its fd %d cannot be opened",
			fd);
	*ret = arena_printf(
		worker->arena, "/proc/%d/fd/%d", worker->peer.pid, fd);
	return 0;
}

/* The directories, in the order in which later ones win. */
static int places_find(const struct worker *worker, struct wish *wish,
	bool has_dir, struct err *err)
{
	struct options *o = &wish->options;
	int rc = 0;

	if (wish->images_fd >= 0)
		rc = client_path(worker, wish->images_fd, &o->images_dir, err);
	else if (!has_dir && o->verb != VERB_CHECK) {
		err_set(err, EINVAL, "it is not said where the images are");
		rc = err_hint(err, "give images_dir_fd or images_dir");
	}
	if (!rc && wish->work_fd >= 0)
		rc = client_path(worker, wish->work_fd, &o->work_dir, err);
	/* The service's own standard error is no guest's. */
	if (worker->peer.confined)
		wish->log_to_stderr = false;
	if (!o->log_file && !wish->log_to_stderr && o->verb != VERB_CHECK)
		o->log_file = "criu.log";
	if (wish->log_to_stderr)
		o->log_file = NULL;
	return rc;
}

/* Its fds are opened through its pid; was that still its own? */
static int places_confirm(
	const struct worker *worker, const struct wish *wish, struct err *err)
{
	if (wish->images_fd < 0 && wish->work_fd < 0)
		return 0;
	if (worker->inherited || peer_lives(&worker->peer))
		return 0;
	return err_set(err, ESRCH,
		"the client has ended, or cannot be held by a pidfd");
}

/* --- opening and closing -------------------------------------------------- */

/* Everything the client said, its configuration file last. */
static int options_gather(struct worker *worker, const CriuReq *req,
	struct wish *wish, bool *ret_placed, struct err *err)
{
	struct options *o = &wish->options;
	bool has_dir =
		req->opts && req->opts->images_dir && *req->opts->images_dir;
	int rc = 0, rc2;

	o->unprivileged = worker->peer.confined;
	/* Files in our home are not a confined client's. */
	if (!worker->peer.confined)
		rc = options_apply_config(worker->arena, NULL, o, err);
	rc2 = wish_read(worker->arena, req->opts, worker->inherited, wish,
		rc ? ERR_UNREAD : err);
	rc = rc ?: rc2;
	rc2 = places_find(worker, wish, has_dir, rc ? ERR_UNREAD : err);
	*ret_placed = !rc2;
	rc = rc ?: rc2;
	if (!rc && wish->config_file)
		rc = options_apply_config(
			worker->arena, wish->config_file, o, err);
	o->work_dir = o->work_dir ?: o->images_dir;
	return rc;
}

/* The client's end of our socket, by which it is known among its files. */
static int client_socket_find(
	const struct worker *worker, uint64_t *ret, struct err *err)
{
	const struct sockdiag_unix *ours;
	struct sockdiag_unixes all = {0};
	struct stat file;
	int rc;

	if (fstat(worker->socket, &file))
		return err_errno(err, "looking at the client's socket");
	rc = sockdiag_collect_unix(worker->arena, &all, err);
	if (rc)
		return rc;
	ours = sockdiag_find_unix(&all, (uint32_t)file.st_ino);
	if (!ours || !ours->peer)
		return err_set(err, ENOTCONN,
			"the client that asked to be dumped has closed its "
			"socket");
	*ret = ours->peer;
	return 0;
}

/* Without a pid the client itself is meant. */
static int tree_find(struct worker *worker, struct wish *wish,
	uint64_t *ret_socket, struct err *err)
{
	enum verb verb = wish->options.verb;

	if ((verb != VERB_DUMP && verb != VERB_PRE_DUMP) || !wish->self)
		return 0;
	if (!worker->peer.pid)
		return err_set(err, ESRCH,
			"the client is in a pid namespace that is not visible "
			"from here, and gave no pid");
	if (wish->notify && verb == VERB_DUMP) {
		err_set(err, EINVAL,
			"a client that is dumped itself cannot be told of "
			"anything, for it is frozen");
		return err_hint(err, "leave out notify_scripts, or give the "
				     "pid of another process");
	}
	wish->options.tree = worker->peer.pid;
	/* A round looks at no files. */
	return verb == VERB_DUMP ? client_socket_find(worker, ret_socket, err)
				 : 0;
}

static void unused_log(const struct worker *worker, const struct wish *wish,
	const CriuOpts *opts)
{
	if (worker->peer.confined && opts && opts->log_to_stderr)
		log_warn("log_to_stderr is for a worker of the client's own: "
			 "this is the log");
	for (size_t i = 0; i < wish->unused.n; i++)
		log_warn("%s is not for '%s', and has no effect",
			wish->unused.at[i], verb_rows[wish->options.verb].name);
}

/* What a guest's scripts and commands say is in the log of his request: until
 * now their output is /dev/null. */
static void stdio_give(int log_fd)
{
	if (log_fd < 0)
		return;
	dup2(log_fd, STDOUT_FILENO);
	dup2(log_fd, STDERR_FILENO);
}

static int engine_open(struct worker *worker, const CriuReq *req,
	struct engine *engine, struct err *err)
{
	struct wish *wish = &engine->wish;
	uint64_t client_socket = 0;
	bool placed;
	int rc, opened;

	wish_init(wish, request_find(req->type)->verb);
	engine->session.log_fd = -1;
	rc = options_gather(worker, req, wish, &placed, err);
	if (!rc)
		rc = tree_find(worker, wish, &client_socket, err);
	if (wish->options.verb == VERB_RESTORE)
		wish->options.restore_detached = true;
	if (!rc)
		rc = options_check(&wish->options, err);
	if (!placed)
		return rc;
	/* After a failure, too: the log is to tell of it. */
	opened = session_open(&engine->session, worker->arena, &wish->options,
		rc ? ERR_UNREAD : err);
	rc = rc ?: opened;
	if (!rc)
		rc = places_confirm(worker, wish, err);
	unused_log(worker, wish, req->opts);
	if (worker->peer.confined)
		stdio_give(engine->session.log_fd);
	engine->session.run.client_socket = client_socket;
	worker->options = &wish->options;
	engine->listener = (struct run_listener){notify_tell, worker};
	if (wish->notify)
		engine->session.run.listener = &engine->listener;
	if (worker->peer.confined)
		engine->session.run.owner = &worker->peer.owner;
	return rc;
}

static int engine_close(struct engine *engine, int rc, const struct err *err)
{
	if (rc && engine->session.log_fd >= 0)
		log_error("service", err);
	session_close(&engine->session);
	return rc;
}

/* --- the requests --------------------------------------------------------- */

int request_dump(struct worker *worker, const CriuReq *req,
	struct answer *answer, struct err *err)
{
	struct engine engine = {0};
	int rc = engine_open(worker, req, &engine, err);

	if (!rc)
		rc = session_dump(&engine.session, err);
	worker->client_gone = !rc && engine.session.run.client_socket &&
			      !engine.wish.options.leave_running;
	answer->dump.has_restored = true;
	answer->resp.dump = &answer->dump;
	return engine_close(&engine, rc, err);
}

int request_pre_dump(struct worker *worker, const CriuReq *req,
	struct answer *answer, struct err *err)
{
	struct engine engine = {0};
	int rc = engine_open(worker, req, &engine, err);

	(void)answer;
	if (!rc)
		rc = session_dump(&engine.session, err);
	return engine_close(&engine, rc, err);
}

int request_round(struct worker *worker, const CriuReq *req,
	struct answer *answer, struct err *err)
{
	int rc = request_pre_dump(worker, req, answer, err);

	worker->in_rounds = !rc;
	return rc;
}

int request_restore(struct worker *worker, const CriuReq *req,
	struct answer *answer, struct err *err)
{
	struct engine engine = {0};
	int rc = engine_open(worker, req, &engine, err);
	pid_t root = -1;

	if (!rc)
		rc = session_restore(&engine.session, &root, err);
	answer->restore.pid = rc ? -1 : root;
	answer->resp.restore = &answer->restore;
	if (!rc && engine.wish.exec_argv) {
		worker->become = engine.wish.exec_argv;
		if (engine.session.log_fd >= 0)
			worker->become_out = fcntl(
				engine.session.log_fd, F_DUPFD_CLOEXEC, 3);
	}
	return engine_close(&engine, rc, err);
}

/* --- page server ------------------------------------------------------------
 */

/* A guest's server that nobody connects to does not stay for ever. */
enum { GUEST_SECONDS = 600 };

/* In a process of its own, which is not the worker any more. */
static _Noreturn void page_server_live(struct worker *worker,
	struct engine *engine, struct page_server *server)
{
	struct err err = {0};
	int rc;

	close(worker->socket);
	engine->session.run.patient = true;
	rc = page_server_serve(&engine->session.run, server,
		worker->peer.confined ? GUEST_SECONDS : 0, &err);
	page_server_close(server);
	engine_close(engine, rc, &err);
	_exit(rc ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int page_server_start(struct worker *worker, struct engine *engine,
	bool detach, struct answer *answer, struct err *err)
{
	struct page_server server = PAGE_SERVER_CLOSED;
	sigset_t held, before;
	pid_t pid = -1;
	int rc = page_server_open(&engine->session.run, &server, err);

	if (rc)
		return rc;
	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigprocmask(SIG_BLOCK, &held, &before);
	pid = fork();
	if (!pid) {
		if (detach)
			setsid();
		page_server_live(worker, engine, &server);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		rc = err_errno(err, "starting the page server");
	answer->page_server.has_pid = true;
	answer->page_server.pid = pid;
	answer->page_server.has_port = engine->session.run.opt->ps_fd < 0;
	answer->page_server.port = server.port;
	answer->resp.ps = &answer->page_server;
	page_server_close(&server);
	return rc;
}

static int page_server_request(struct worker *worker, const CriuReq *req,
	bool detach, struct answer *answer, struct err *err)
{
	struct engine engine = {0};
	int rc = engine_open(worker, req, &engine, err);

	if (!rc)
		rc = page_server_start(worker, &engine, detach, answer, err);
	return engine_close(&engine, rc, err);
}

int request_page_server(struct worker *worker, const CriuReq *req,
	struct answer *answer, struct err *err)
{
	return page_server_request(worker, req, true, answer, err);
}

int request_page_server_child(struct worker *worker, const CriuReq *req,
	struct answer *answer, struct err *err)
{
	return page_server_request(worker, req, false, answer, err);
}

static int check_log(const struct options *options, struct err *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int rc;

	if (!out)
		return err_errno(err, "making room for what is found");
	rc = check_run(options, out, err);
	fclose(out);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		log_info("%s", line);
	free(text);
	return rc;
}

int request_cpuinfo_dump(struct worker *worker, const CriuReq *req,
	struct answer *answer, struct err *err)
{
	struct engine engine = {0};
	int rc = engine_open(worker, req, &engine, err);

	(void)answer;
	if (!rc)
		rc = session_cpuinfo_dump(&engine.session, err);
	return engine_close(&engine, rc, err);
}

int request_cpuinfo_check(struct worker *worker, const CriuReq *req,
	struct answer *answer, struct err *err)
{
	struct engine engine = {0};
	int rc = engine_open(worker, req, &engine, err);

	(void)answer;
	if (!rc)
		rc = session_cpuinfo_check(&engine.session, NULL, err);
	return engine_close(&engine, rc, err);
}

/* Opens something only for a log that was asked for. */
int request_check(struct worker *worker, const CriuReq *req,
	struct answer *answer, struct err *err)
{
	struct engine engine = {0};
	int rc;

	(void)answer;
	if (req->opts && req->opts->log_file && !req->opts->log_to_stderr) {
		rc = engine_open(worker, req, &engine, err);
		if (!rc)
			rc = check_log(&engine.wish.options, err);
		return engine_close(&engine, rc, err);
	}
	wish_init(&engine.wish, VERB_CHECK);
	rc = wish_read(
		worker->arena, req->opts, worker->inherited, &engine.wish, err);
	return rc ?: check_log(&engine.wish.options, err);
}
