/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listener: the socket of the service, made here or handed over by systemd.
 *
 * A socket that is made here belongs to its maker alone (0600), unless there
 * are guests; who they are is checked for each client besides. A dead socket
 * in its place is replaced, a living one and any other file is not.
 */
#ifndef STASIS_SERVICE_LISTENER_H
#define STASIS_SERVICE_LISTENER_H

#include <sys/stat.h>

#include "service/guests.h"

struct listener {
	int fd;
	const char *path; /* NULL: not ours to remove */
	dev_t dev;
	ino_t ino;
};

int listener_open(const char *path, const struct guests *guests,
	struct listener *ret, struct err *err);
/* Removes the file if it is still the one that was made. */
void listener_close(struct listener *listener);

#endif
