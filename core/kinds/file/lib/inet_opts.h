/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inet_opts: the options of internet sockets beside those of all sockets.
 *
 * The format has a few; the others go into a field of our own when they are
 * not what a new socket has. All numbers are looked at (sockopt_table.h): what
 * differs and is not known is refused, not lost.
 */
#ifndef STASIS_KINDS_FILE_LIB_INET_OPTS_H
#define STASIS_KINDS_FILE_LIB_INET_OPTS_H

#include "kinds/file/lib/sockopt_more.h"
#include "model/dump.h"

struct inet_opts {
	bool v6only; /* IPv6 */
	IpOptsEntry *ip;
	TcpOptsEntry *tcp; /* NULL: UDP */
	struct sockopt_more more;
};

/* Of the socket only family, type and proto are read. */
int inet_opts_capture(struct dump *dump, int fd, const InetSkEntry *inet,
	struct inet_opts *ret, struct err *err);

/* Before bind. */
int inet_opts_restore(int fd, const InetSkEntry *inet,
	const struct inet_opts *opts, struct err *err);

#endif
