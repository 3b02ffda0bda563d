/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/request.h"

#include <errno.h>
#include <sys/wait.h>

#include "kernel/features.h"
#include "options/table.h"
#include "options/version.h"

static int request_version(struct worker *worker, const CriuReq *req,
	struct answer *answer, struct err *err)
{
	(void)worker, (void)req, (void)err;
	answer->version.major_number = CRIU_VERSION_MAJOR;
	answer->version.minor_number = CRIU_VERSION_MINOR;
	answer->version.name = (char *)"Stasis " STASIS_VERSION;
	answer->resp.version = &answer->version;
	return 0;
}

/* Which pids were given anew between rounds is told by start times and by who
 * was watched: a store of pidfds adds nothing, and may be given. */
static int request_features(struct worker *worker, const CriuReq *req,
	struct answer *answer, struct err *err)
{
	struct kernel_features known = {0};

	(void)worker;
	if (!req->features) {
		err_set(err, EINVAL, "it is not said which features to check");
		return err_hint(err, "fill in criu_req.features");
	}
	answer->features.has_mem_track = true;
	answer->features.mem_track =
		req->features->mem_track && features_track(&known);
	answer->features.has_lazy_pages = true;
	answer->features.lazy_pages =
		req->features->lazy_pages &&
		features_have(&known, FEATURE_UFFD_NONCOOP);
	answer->features.has_pidfd_store = true;
	answer->features.pidfd_store =
		req->features->pidfd_store &&
		features_have(&known, FEATURE_PIDFD_GETFD);
	answer->resp.features = &answer->features;
	return 0;
}

static int request_wait_pid(struct worker *worker, const CriuReq *req,
	struct answer *answer, struct err *err)
{
	int status;

	(void)worker;
	if (!req->has_pid || !req->pid) {
		err_set(err, EINVAL,
			"it is not said which process to wait for");
		return err_hint(err, "fill in criu_req.pid");
	}
	while (waitpid((pid_t)req->pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(
				err, "waiting for process %u", req->pid);
	answer->resp.has_status = true;
	answer->resp.status = status;
	return 0;
}

#define ROW(name, answer, verb, open, failed, run)                 \
	[CRIU_REQ_TYPE__##name] = {#name, CRIU_REQ_TYPE__##answer, \
		VERB_##verb, open, failed, run}

static const struct request_row request_rows[] = {
	ROW(DUMP, DUMP, DUMP, false, 1, request_dump),
	ROW(RESTORE, RESTORE, RESTORE, false, 1, request_restore),
	ROW(CHECK, CHECK, CHECK, false, WORKER_FAILED, request_check),
	ROW(PRE_DUMP, PRE_DUMP, PRE_DUMP, false, WORKER_FAILED, request_round),
	ROW(SINGLE_PRE_DUMP, SINGLE_PRE_DUMP, PRE_DUMP, false, WORKER_FAILED,
		request_pre_dump),
	ROW(PAGE_SERVER, PAGE_SERVER, PAGE_SERVER, true, WORKER_FAILED,
		request_page_server),
	ROW(PAGE_SERVER_CHLD, PAGE_SERVER, PAGE_SERVER, true, WORKER_FAILED,
		request_page_server_child),
	ROW(CPUINFO_DUMP, CPUINFO_DUMP, CPUINFO_DUMP, true, WORKER_FAILED,
		request_cpuinfo_dump),
	ROW(CPUINFO_CHECK, CPUINFO_CHECK, CPUINFO_CHECK, true, WORKER_FAILED,
		request_cpuinfo_check),
	ROW(FEATURE_CHECK, FEATURE_CHECK, NONE, true, WORKER_FAILED,
		request_features),
	ROW(VERSION, VERSION, NONE, true, WORKER_FAILED, request_version),
	ROW(WAIT_PID, WAIT_PID, NONE, false, WORKER_FAILED, request_wait_pid),
};

const struct request_row *request_find(CriuReqType type)
{
	size_t n = sizeof(request_rows) / sizeof(request_rows[0]);

	if ((int)type < 0 || (size_t)type >= n || !request_rows[type].run)
		return NULL;
	return &request_rows[type];
}
