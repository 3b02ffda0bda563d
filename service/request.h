/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * request: one row per request type: its answer's type, how it is done, and
 * what becomes of the worker afterwards.
 */
#ifndef STASIS_SERVICE_REQUEST_H
#define STASIS_SERVICE_REQUEST_H

#include "options/options.h"
#include "service/answer.h"
#include "service/worker.h"

typedef int request_run_fn(struct worker *worker, const CriuReq *req,
	struct answer *answer, struct err *err);

struct request_row {
	const char *name;
	CriuReqType answer;
	enum verb verb;	 /* VERB_NONE: it has none */
	bool stays_open; /* keep_open is allowed */
	int failed;	 /* exit status */
	request_run_fn *run;
};

/* By type; NULL: there is no such request. */
const struct request_row *request_find(CriuReqType type);

/* engine.c: those that need a session */
request_run_fn request_dump, request_restore, request_check;
request_run_fn request_cpuinfo_dump, request_cpuinfo_check;
request_run_fn request_page_server, request_page_server_child;
/* A round, and one that the client follows up with another or with a dump. */
request_run_fn request_pre_dump, request_round;

#endif
