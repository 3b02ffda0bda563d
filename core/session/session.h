/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session: a request from the opening of its directories to its last byte.
 *
 * It opens image directory, work directory and log, makes the run, goes the
 * walk, and writes what is left behind in the work directory: statistics,
 * pidfile. The command line and the service both stand on it. The current
 * directory is the work directory while a session is open and afterwards.
 * INT and TERM are held back from the beginning of a walk on, so that what is
 * done is also reported as done; session_relax lets them through again.
 */
#ifndef STASIS_SESSION_SESSION_H
#define STASIS_SESSION_SESSION_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/err.h"
#include "model/run.h"

struct session {
	struct run run;
	int log_fd;    /* -1: the log goes to stderr */
	sigset_t mask; /* as before the walk */
};

/* options and arena must outlive the session. On failure everything that was
 * opened is closed, but for the log: the error belongs there, too. */
int session_open(struct session *ret, struct arena *arena,
	const struct options *options, struct err *err);
void session_close(struct session *session);
/* What the options have for the log; session_open does it, too. */
void session_log_notes(const struct options *options);

int session_dump(struct session *session, struct err *err);
/* Frees what newer images have again in those that they build upon. */
int session_dedup(struct session *session, FILE *out, struct err *err);
int session_restore(struct session *session, pid_t *ret_root, struct err *err);
/* Before waiting for the tasks, or becoming another program. */
void session_relax(struct session *session);
int session_plan(struct session *session, FILE *out, struct err *err);
int session_inspect(struct session *session, FILE *out, struct err *err);
/* Listens, goes into the background with -d, and serves one connection. */
int session_page_server(struct session *session, struct err *err);
/* Serves one restore with pages, in the background with -d. */
int session_lazy_pages(struct session *session, struct err *err);
/* Says on out what it took back, or that there was nothing. */
int session_recover(struct session *session, FILE *out, struct err *err);
int session_cpuinfo_dump(struct session *session, struct err *err);
/* out may be NULL: the verdict is only the return value. */
int session_cpuinfo_check(struct session *session, FILE *out, struct err *err);

#endif
