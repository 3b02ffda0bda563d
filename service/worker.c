/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "service/answer.h"
#include "service/packet.h"
#include "service/request.h"

/* Answers with the failure; returns the status to exit with. */
static int worker_fail(struct worker *worker, struct answer *answer,
	const struct err *err, int status)
{
	answer_fail(worker->arena, answer, err);
	packet_send(worker->socket, &answer->resp, ERR_UNREAD);
	return status;
}

void worker_refuse(int socket, const struct err *err)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct worker worker = {.socket = socket, .arena = arena};
	struct answer answer;

	/* A packet left unread would break the connection under the answer. */
	recv(socket, &(char){0}, 1, MSG_DONTWAIT);
	answer_init(&answer, CRIU_REQ_TYPE__EMPTY);
	worker_fail(&worker, &answer, err, 0);
}

static int request_unknown(const CriuReq *req, struct err *err)
{
	if (req->type == CRIU_REQ_TYPE__NOTIFY)
		err_set(err, EBADRQC,
			"a NOTIFY is an answer, but nothing was "
			"asked");
	else
		err_set(err, EBADRQC, "there is no request of type %d",
			(int)req->type);
	return err_hint(err, "the first packet of a connection is a request");
}

static int round_refused(const struct request_row *row, struct err *err)
{
	err_set(err, EBADRQC, "after a PRE_DUMP comes no %s", row->name);
	return err_hint(err, "a PRE_DUMP is followed by another one, or by a "
			     "DUMP; SINGLE_PRE_DUMP stands alone");
}

static int keep_open_refused(const struct request_row *row, struct err *err)
{
	return err_set(err, EBADRQC,
		"keep_open is not for %s: it is always the last request of its "
		"connection",
		row->name);
}

/* The client's command takes our place, as parent of the restored tasks. */
static int worker_become(const struct worker *worker)
{
	struct err err;

	if (worker->become_out >= 0) {
		dup2(worker->become_out, STDOUT_FILENO);
		dup2(worker->become_out, STDERR_FILENO);
	}
	sigprocmask(SIG_SETMASK, &worker->mask, NULL);
	execvp(worker->become[0], (char *const *)worker->become);
	err_errno(&err, "the tasks run, but running '%s'", worker->become[0]);
	log_error("service", &err);
	return EXIT_FAILURE;
}

struct last_answer {
	struct worker *worker;
	struct answer *answer;
};

static void worker_undo(void *of)
{
	struct last_answer *last = of;
	struct err err = {0};

	run_no_memory(arena_failed(last->worker->arena), &err);
	_exit(worker_fail(last->worker, last->answer, &err, WORKER_FAILED));
}

/* *ret_more: the client wants to ask again. Returns the exit status. */
static int worker_answer(
	struct worker *worker, const CriuReq *req, bool *ret_more)
{
	const struct request_row *row = request_find(req->type);
	struct answer answer;
	struct last_answer last = {worker, &answer};
	struct arena_end end = {.undo = worker_undo, .of = &last};
	struct err err = {0};
	int code;

	answer_init(&answer, row ? row->answer : CRIU_REQ_TYPE__EMPTY);
	if (!row)
		request_unknown(req, &err);
	else if (req->keep_open && !row->stays_open)
		keep_open_refused(row, &err);
	else if (worker->in_rounds && req->type != CRIU_REQ_TYPE__PRE_DUMP &&
		 req->type != CRIU_REQ_TYPE__DUMP)
		round_refused(row, &err);
	if (err.code)
		return worker_fail(worker, &answer, &err, WORKER_FAILED);
	worker->in_rounds = false;
	arena_end_push(worker->arena, &end);
	code = row->run(worker, req, &answer, &err);
	arena_end_pop(worker->arena, &end);
	if (code)
		return worker_fail(worker, &answer, &err, row->failed);
	if (worker->client_gone)
		return 0;
	if (packet_send(worker->socket, &answer.resp, &err))
		return WORKER_FAILED;
	*ret_more = req->keep_open || worker->in_rounds;
	return worker->become ? worker_become(worker) : 0;
}

/* Its timer, or somebody, has told us to end. */
static int worker_check_end(struct err *err)
{
	sigset_t pending;

	if (sigpending(&pending) || sigismember(&pending, SIGTERM) != 1)
		return 0;
	return err_set(err, ETIMEDOUT,
		"the time for the requests of this connection is over");
}

/* One request; the arena lives as long. */
static int worker_turn(struct worker *worker, bool *ret_more)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct answer answer;
	struct err err = {0};
	CriuReq *req;

	worker->arena = arena;
	worker->become = NULL;
	worker->become_out = -1;
	answer_init(&answer, CRIU_REQ_TYPE__EMPTY);
	if (packet_receive(worker->socket, arena, &req, &err) ||
		worker_check_end(&err))
		return worker_fail(worker, &answer, &err, WORKER_FAILED);
	/* Closed, where one more request was expected or might have come. */
	if (!req)
		return worker->in_rounds ? 0 : WORKER_FAILED;
	return worker_answer(worker, req, ret_more);
}

int worker_serve(int socket, const struct peer *peer, bool inherited)
{
	struct worker worker = {
		.socket = socket, .inherited = inherited, .peer = *peer};
	bool more;
	int status;

	sigprocmask(SIG_BLOCK, NULL, &worker.mask);
	sigdelset(&worker.mask, SIGTERM);
	do {
		more = false;
		status = worker_turn(&worker, &more);
	} while (more);
	return status;
}

static int socket_check(int socket, struct err *err)
{
	socklen_t size = sizeof(int);
	int type;

	if (getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size))
		return err_errno(
			err, "taking fd %d for the socket of swrk", socket);
	if (type != SOCK_SEQPACKET)
		return err_set(err, EPROTOTYPE,
			"fd %d is a socket, but not of type SOCK_SEQPACKET",
			socket);
	return 0;
}

int worker_run_inherited(int socket, struct err *err)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct peer peer;
	int rc;

	rc = socket_check(socket, err);
	if (!rc)
		rc = peer_read(socket, arena, &peer, err);
	if (rc)
		return rc;
	fcntl(socket, F_SETFD, FD_CLOEXEC);
	rc = worker_serve(socket, &peer, true);
	peer_close(&peer);
	return rc;
}
