/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pidfile: a file with one pid in it, which appears whole or not at all.
 *
 * It is prepared before the work whose pid it will hold, so that a place that
 * cannot be written to is found out while nothing has happened yet.
 */
#ifndef STASIS_SESSION_PIDFILE_H
#define STASIS_SESSION_PIDFILE_H

#include <sys/types.h>

#include "base/err.h"
#include "base/place.h"

struct pidfile {
	int folder; /* in which it is; -1: as fd */
	int fd;	    /* -1: there is none to write */
	const char *path, *name;
	char draft[PLACE_NAME];
};

/* path below dir, NULL: an empty one, on which the others do nothing. It must
 * live as long as the pidfile. */
int pidfile_prepare(
	int dir, const char *path, struct pidfile *ret, struct err *err);
/* Puts it in place of an older one. */
int pidfile_commit(struct pidfile *pidfile, pid_t pid, struct err *err);
/* Leaves nothing behind; does nothing after a commit. */
void pidfile_abort(struct pidfile *pidfile);

#endif
