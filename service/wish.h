/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wish: what the criu_opts of a request ask for, as the options of a run.
 *
 * Pure. Each field that is present goes through the row of the option table
 * with its tag, in the same words and with the same checks as on the command
 * line, or through a reader of its own. A field that is not built yet fails
 * with ENOSYS, one that no row and no reader knows with EINVAL; those that
 * are meant for another kind of request are listed in unused, to be logged,
 * since clients keep one set of options for all their requests. A bool that
 * is false and a text that is empty ask for nothing.
 */
#ifndef STASIS_SERVICE_WISH_H
#define STASIS_SERVICE_WISH_H

#include "options/options.h"
#include "proto/rpc.pb-c.h"

struct wish {
	struct options options;
	int images_fd, work_fd; /* the client's numbers; -1: not given */
	bool self;		/* no pid: the client itself */
	bool notify;
	bool log_to_stderr;
	const char *config_file;
	const char *const *exec_argv; /* NULL: none */
	struct option_words unused;
};

/* All defaults. */
void wish_init(struct wish *ret, enum verb verb);
/* opts NULL: nothing was asked for. inherited: the client has started us, so
 * that the fields of "swrk" are allowed. Goes on after a failure, so that the
 * log is where the client wants it; the first failure is returned. */
int wish_read(struct arena *arena, const CriuOpts *opts, bool inherited,
	struct wish *wish, struct err *err);

#endif
