/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls: a connection for pages that nobody else can read or change.
 *
 * X.509 on both sides, by GnuTLS, which is loaded when it is first wanted
 * (pages/tls_library.h). The server wants a certificate of its client, and each
 * one that of the other is signed by an authority of its own, valid now, and
 * not revoked. Files are in PEM. A connection that was cut is an error, unlike
 * one that was closed.
 */
#ifndef STASIS_PAGES_TLS_H
#define STASIS_PAGES_TLS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "options/options.h"

struct wire;
struct tls;

/* By the options --tls-*; without them by the files of /etc/pki that other
 * engines look for, too, and without an authority by those of the system. Over
 * wire->fd, which is set up already (wire_begin), until both have proved who
 * they are; wire->tls is set then. The server's certificate must name
 * options->address, unless there is none or any name will do. */
int tls_connect(struct arena *arena, struct wire *wire,
	const struct options *options, struct err *err);
int tls_accept(struct arena *arena, struct wire *wire,
	const struct options *options, struct err *err);

/* As send(2) and recv(2): bytes, 0: the other end has closed; -EAGAIN: nothing
 * has moved within the socket's timeout, and the same is to be tried again.
 * Other failures are told in err. */
ssize_t tls_send(
	struct wire *wire, const void *from, size_t size, struct err *err);
ssize_t tls_recv(struct wire *wire, void *to, size_t size, struct err *err);

/* Is there something that was read from the socket already? */
bool tls_pending(struct tls *tls);

/* Says that we close. NULL is fine. */
void tls_close(struct tls *tls);

#endif
