/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inet_opts: the options of internet sockets beside those of all sockets.
 *
 * The format has a few; the others, of which a table is kept here, go into a
 * field of our own when they are not what a new socket has.
 */
#ifndef STASIS_KINDS_INET_OPTS_H
#define STASIS_KINDS_INET_OPTS_H

#include "kinds/sockopts.h"

/* family, type and proto of the entry are set; the option fields are not. */
int inet_opts_capture(
	struct arena *arena, int fd, InetSkEntry *socket, struct err *err);

/* Before bind. */
int inet_opts_restore(int fd, const InetSkEntry *socket, struct err *err);

#endif
