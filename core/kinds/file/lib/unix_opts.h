/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unix_opts: the options of unix sockets: what the format has, and in a field
 * of our own what else differs from a new socket.
 */
#ifndef STASIS_KINDS_FILE_LIB_UNIX_OPTS_H
#define STASIS_KINDS_FILE_LIB_UNIX_OPTS_H

#include "model/dump.h"
#include "proto/sockets.pb-c.h"

/* fd: a copy of the victim's; type is read of the entry. */
int unix_opts_capture(
	struct dump *dump, int fd, UnixSkEntry *unix_sk, struct err *err);
/* When its queue is filled: some of them are about that. */
int unix_opts_restore(int fd, const UnixSkEntry *unix_sk, struct err *err);

#endif
