/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listener: the socket of the service, made here or handed over by systemd.
 *
 * A socket that is made here belongs to its maker alone (0600), unless there
 * are guests; who they are is checked for each client besides. It is made in a
 * directory of our own and moved to its place when it listens and is whose it
 * is to be. A dead socket there is replaced (in a directory that others can
 * write to only our own), a living one and any other file is not.
 */
#ifndef STASIS_SERVICE_LISTENER_H
#define STASIS_SERVICE_LISTENER_H

#include "service/guests.h"

struct listener {
	int fd;
	const char *path; /* as it was given */
	const char *name; /* its end, below folder */
	int folder;	  /* O_PATH */
	int file;	  /* the socket's; -1: not ours to remove */
};

/* path must live as long. A failure leaves nothing behind, and what a killed
 * one has left beside is removed. */
int listener_open(struct arena *arena, const char *path,
	const struct guests *guests, struct listener *ret, struct err *err);
/* Closes what is open: in a worker, who removes nothing. */
void listener_leave(struct listener *listener);
/* Removes the file if it is still the one that was made. */
void listener_close(struct listener *listener);

#endif
