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
static int external_add(
	struct worker *worker, const CriuReq *reply, struct err *err)
{
	const struct option_row *row = option_find("external", 8, NULL);
	int rc = 0;

	for (size_t i = 0; reply->opts && !rc && i < reply->opts->n_external;
		i++)
		rc = option_set(worker->arena, row, false,
			reply->opts->external[i], row->name, worker->options,
			err);
	return rc ? err_wrap(err, "what the client answered") : 0;
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
	return 0;
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
	rc = reply_check(reply, moment, err);
	if (!rc && !strcmp(moment, "query-ext-files"))
		rc = external_add(worker, reply, err);
	return rc;
}
