/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unix_client: the socket over which a process has asked to be dumped itself.
 *
 * Its other end is ours and ends with us. What comes back is a socket on
 * which a new answer waits: that the process has been restored.
 */
#ifndef STASIS_KINDS_FILE_LIB_UNIX_CLIENT_H
#define STASIS_KINDS_FILE_LIB_UNIX_CLIENT_H

#include "model/dump.h"
#include "proto/sockets.pb-c.h"

enum { UNIX_CLIENT = 4 /* uflags: such a socket */ };

bool unix_client_is(const struct dump *dump, const struct sighting *sighting);
int unix_client_make(int *ret_fd, struct err *err);

#endif
