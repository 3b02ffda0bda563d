/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inet_bind: the addresses of internet sockets, and how one is bound again.
 *
 * What let a socket be bound may be gone: options that were taken back, an
 * address that the host has no more. So it is bound with all that may be
 * needed, and the options become what they are afterwards: SO_REUSEADDR and
 * SO_REUSEPORT when all sockets are there, by their task (inet_bind_emit).
 */
#ifndef STASIS_KINDS_FILE_LIB_INET_BIND_H
#define STASIS_KINDS_FILE_LIB_INET_BIND_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "inject/record.h"
#include "model/dump.h"
#include "model/restore.h"
#include "proto/sockets.pb-c.h"

union inet_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Is it bound where this host has no such address? false: not bound. */
bool inet_bind_nonlocal(const union inet_address *address);

/* Does it have a port or an address? */
bool inet_is_bound(const InetSkEntry *inet);

socklen_t inet_address_size(const InetSkEntry *inet);
const char *inet_address_text(
	const InetSkEntry *inet, const uint32_t *words, char ret[64]);

/* from: the address that inet has, made ready. nonlocal: no device had it when
 * the image was made. Nothing is bound that was not. Until inet_bind_emit has
 * played, SO_REUSEADDR, SO_REUSEPORT and IP_FREEBIND may be on. */
int inet_bind(struct restore *restore, int fd, const InetSkEntry *inet,
	const union inet_address *from, bool nonlocal, struct err *err);
void inet_bind_emit(struct tape *tape, const InetSkEntry *inet, bool nonlocal,
	const struct holder *holder);

#endif
