/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connect: the two ends of a connection for pages over TCP.
 *
 * An address is a host name or a number of IPv4 or IPv6; NULL: any of ours,
 * or, to connect to, this host. A port is from 0 (the kernel chooses) to
 * 65535. The fd is the caller's, close-on-exec.
 */
#ifndef STASIS_PAGES_CONNECT_H
#define STASIS_PAGES_CONNECT_H

#include "base/err.h"

int connect_listen(const char *address, int port, int *ret_fd, int *ret_port,
	struct err *err);
int connect_to(const char *address, int port, int *ret_fd, struct err *err);

#endif
