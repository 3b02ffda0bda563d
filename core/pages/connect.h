/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connect: the two ends of a connection for pages over TCP.
 *
 * An address is a host name or a number of IPv4 or IPv6; NULL: any of ours,
 * or, to connect to, this host. A port is from 0 (the kernel chooses) to
 * 65535. The fd is the caller's, close-on-exec. What a host name means is
 * asked as long as resolv.conf(5) says.
 */
#ifndef STASIS_PAGES_CONNECT_H
#define STASIS_PAGES_CONNECT_H

#include "base/err.h"
#include "pages/wire.h"

int connect_listen(const char *address, int port, int *ret_fd, int *ret_port,
	struct err *err);
/* Fills wire->fd; its `look` is asked every tenth of a second whether to go
 * on, and an address that does not answer is given up after wire->idle_seconds
 * (ETIMEDOUT), 20 where it would be waited for for ever. */
int connect_to(
	const char *address, int port, struct wire *wire, struct err *err);

#endif
