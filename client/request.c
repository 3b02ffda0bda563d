/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <errno.h>
#include <unistd.h>

#include "pty.h"

int criu_notify_pid(criu_notify_arg_t na)
{
	return na && na->has_pid ? na->pid : 0;
}

/* Tells the caller of a step and the service whether the caller agreed. A
 * callback's error (< 0) goes to *said. */
static int notification_answer(const struct connection *connection,
	const criu_opts *opts, const CriuResp *resp, int *said)
{
	CriuReq answer = CRIU_REQ__INIT;
	int ret = 0;

	answer.type = CRIU_REQ_TYPE__NOTIFY;
	answer.has_notify_success = true;
	answer.notify_success = resp->notify && resp->notify->script;
	if (answer.notify_success && opts->notify)
		ret = opts->notify(resp->notify->script, resp->notify);
	if (ret)
		answer.notify_success = false;
	if (ret < 0)
		*said = ret;
	return connection_send(connection, &answer);
}

static int answer_judge(const CriuReq *req, const CriuResp *resp)
{
	if (resp->type != req->type)
		return resp->type == CRIU_REQ_TYPE__EMPTY ? -EINVAL : -EBADMSG;
	if (resp->success)
		return 0;
	errno = resp->has_cr_errno ? resp->cr_errno : 0;
	return -EBADE;
}

int request_exchange(const struct connection *connection, const criu_opts *opts,
	const CriuReq *req, CriuResp **ret_resp)
{
	CriuResp *resp = NULL;
	int fd = -1, said = -EBADE, ret;

	pty_set(-1);
	ret = connection_send(connection, req);
	while (!ret) {
		ret = connection_receive(connection, &resp, &fd);
		if (ret || resp->type != CRIU_REQ_TYPE__NOTIFY)
			break;
		if (fd >= 0)
			pty_set(fd);
		ret = notification_answer(connection, opts, resp, &said);
		criu_resp__free_unpacked(resp, NULL);
		resp = NULL;
	}
	if (ret)
		return ret;
	if (fd >= 0)
		close(fd); /* no last answer has one */
	ret = answer_judge(req, resp);
	if (ret == -EBADE)
		ret = said;
	if (ret)
		criu_resp__free_unpacked(resp, NULL);
	else
		*ret_resp = resp;
	return ret;
}

int request_run(
	criu_opts *opts, const CriuReq *req, bool detached, CriuResp **ret_resp)
{
	struct connection connection;
	int ret = connection_open(&connection, &opts->service, detached);

	if (ret)
		return ret;
	ret = request_exchange(&connection, opts, req, ret_resp);
	connection_close(&connection);
	return ret;
}
