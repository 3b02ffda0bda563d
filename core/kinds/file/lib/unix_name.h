/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unix_name: what a unix socket is bound to: nothing, an abstract name, or a
 * file, by an absolute or relative path, which may be gone or moved since.
 *
 * The name is stored byte by byte as bind(2) took it. A file that is there no
 * more is made for a moment in a mount namespace of nobody else's, so that
 * nothing on the host is touched.
 */
#ifndef STASIS_KINDS_FILE_LIB_UNIX_NAME_H
#define STASIS_KINDS_FILE_LIB_UNIX_NAME_H

#include <sys/socket.h>
#include <sys/un.h>

#include "kernel/sockdiag.h"
#include "model/dump.h"
#include "model/restore.h"
#include "proto/sockets.pb-c.h"

/* Name, folder, and what its file is. */
int unix_name_capture(struct dump *dump, const struct sighting *sighting,
	const struct sockdiag_unix *seen, UnixSkEntry *unix_sk,
	struct err *err);

/* Is it a path? */
bool unix_name_is_path(const UnixSkEntry *unix_sk);

/* Gives it to a socket. passing: no file of that name is to remain. */
int unix_name_bind(struct restore *restore, int fd, const UnixSkEntry *unix_sk,
	bool passing, struct err *err);

/* How a bound socket is reached, wherever its file is: by fd. *ret_file is to
 * be closed afterwards; -1: nothing. */
int unix_name_address(int fd, const UnixSkEntry *unix_sk,
	struct sockaddr_un *ret, socklen_t *ret_size, int *ret_file,
	struct err *err);

/* Files that were not there before go when the restore has failed. */
void unix_names_release(struct restore *restore, bool failed);

#endif
