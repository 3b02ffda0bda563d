/* SPDX-License-Identifier: MIT */
/* Requests that do something to tasks. */
#include <errno.h>

#include "request.h"

static void request_init(CriuReq *req, CriuReqType type, criu_opts *opts)
{
	criu_req__init(req);
	req->type = type;
	req->opts = &opts->rpc;
}

/* The copy that a restore makes of a process that dumped itself returns from
 * the same call as the process did. */
static int dump_result(CriuResp *resp)
{
	int ret =
		resp->dump && resp->dump->has_restored && resp->dump->restored;

	criu_resp__free_unpacked(resp, NULL);
	return ret;
}

static int dump_run(criu_opts *opts, CriuReqType type)
{
	CriuReq req;
	CriuResp *resp;
	int ret;

	request_init(&req, type, opts);
	ret = request_run(opts, &req, !opts->rpc.has_pid, &resp);
	return ret ?: dump_result(resp);
}

int criu_local_dump(criu_opts *opts)
{
	return dump_run(opts, CRIU_REQ_TYPE__DUMP);
}

int criu_local_pre_dump(criu_opts *opts)
{
	return dump_run(opts, CRIU_REQ_TYPE__SINGLE_PRE_DUMP);
}

/* Rounds, then the dump, all over one connection. */
static int rounds_run(const struct connection *connection, criu_opts *opts,
	int (*more)(criu_predump_info pi))
{
	CriuReq req;
	CriuResp *resp;
	int ret;

	request_init(&req, CRIU_REQ_TYPE__PRE_DUMP, opts);
	do {
		ret = request_exchange(connection, opts, &req, &resp);
		if (ret)
			return ret;
		criu_resp__free_unpacked(resp, NULL);
		ret = more(NULL);
		if (ret < 0)
			return ret;
	} while (ret);
	req.type = CRIU_REQ_TYPE__DUMP;
	ret = request_exchange(connection, opts, &req, &resp);
	return ret ?: dump_result(resp);
}

int criu_local_dump_iters(criu_opts *opts, int (*more)(criu_predump_info pi))
{
	struct connection connection;
	int ret;

	if (!opts->rpc.has_pid)
		return -EINVAL;
	ret = connection_open(&connection, &opts->service, false);
	if (ret)
		return ret;
	ret = rounds_run(&connection, opts, more);
	connection_close(&connection);
	return ret;
}

int criu_local_restore(criu_opts *opts)
{
	CriuReq req;
	CriuResp *resp;
	int ret;

	request_init(&req, CRIU_REQ_TYPE__RESTORE, opts);
	ret = request_run(opts, &req, false, &resp);
	if (ret)
		return ret;
	ret = resp->restore ? resp->restore->pid : -EBADMSG;
	criu_resp__free_unpacked(resp, NULL);
	return ret;
}

/* A child can only be had through a worker that is our own child. */
int criu_local_restore_child(criu_opts *opts)
{
	const CriuOpts before = opts->rpc;
	const enum criu_service_comm comm = opts->service.comm;
	int ret;

	opts->rpc.has_rst_sibling = true;
	opts->rpc.rst_sibling = true;
	opts->service.comm = CRIU_COMM_BIN;
	ret = criu_local_restore(opts);
	opts->rpc.has_rst_sibling = before.has_rst_sibling;
	opts->rpc.rst_sibling = before.rst_sibling;
	opts->service.comm = comm;
	return ret;
}
