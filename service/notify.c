/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/notify.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "options/table.h"
#include "service/answer.h"
#include "service/packet.h"

/* The moments at which clients look at the pid. */
static bool moment_has_pid(const char *moment)
{
	return !strcmp(moment, "setup-namespaces") ||
	       !strcmp(moment, "post-restore");
}

/* What the client says to query-ext-files beyond a yes. */
static int external_check(const CriuReq *reply, struct err *err)
{
	if (!reply->opts || !reply->opts->n_external)
		return 0;
	return option_check_built(option_find("external", 8, NULL), VERB_DUMP,
		"external in the answer to query-ext-files", err);
}

static int reply_check(
	const CriuReq *reply, const char *moment, struct err *err)
{
	if (!reply)
		return err_set(
			err, ECONNRESET, "the client went away at %s", moment);
	if (reply->type != CRIU_REQ_TYPE__NOTIFY)
		return err_set(err, EBADRQC,
			"the client answered %s with a packet of type %d, "
			"which is no NOTIFY",
			moment, (int)reply->type);
	if (!reply->has_notify_success || !reply->notify_success)
		return err_set(
			err, ECANCELED, "the client said no at %s", moment);
	return external_check(reply, err);
}

int notify_tell(void *of, const char *moment, pid_t root, struct err *err)
{
	struct worker *worker = of;
	CriuNotify notify = CRIU_NOTIFY__INIT;
	struct answer packet;
	CriuReq *reply;
	int rc;

	log_info("telling the client of %s", moment);
	notify.script = (char *)moment;
	if (moment_has_pid(moment)) {
		notify.has_pid = true;
		notify.pid = root;
	}
	answer_init(&packet, CRIU_REQ_TYPE__NOTIFY);
	packet.resp.notify = &notify;
	rc = packet_send(worker->socket, &packet.resp, err);
	if (!rc)
		rc = packet_receive(worker->socket, worker->arena, &reply, err);
	if (rc)
		return err_wrap(err, "telling the client of %s", moment);
	return reply_check(reply, moment, err);
}
