/* SPDX-License-Identifier: MIT */
/*
 * connection: a socket to whoever serves, one message a packet.
 *
 * A worker that we start says what keeps it from starting by a packet of one
 * byte, an errno value; no message is as short as that.
 *
 * Errors are the library's (-ECONNREFUSED, -ECOMM) with the reason in errno.
 */
#ifndef STASIS_CLIENT_CONNECTION_H
#define STASIS_CLIENT_CONNECTION_H

#include <sys/types.h>

#include "options.h"

struct connection {
	int fd;
	bool started; /* a worker of ours is at the other end */
	pid_t worker; /* 0: there is none, or it is nobody's child */
};

/* detached: a worker is to be no descendant of the calling process. Takes the
 * descriptor of a service that is one. */
int connection_open(struct connection *ret_connection,
	struct client_service *service, bool detached);
/* Also waits for the worker. Leaves errno alone. */
void connection_close(struct connection *connection);

int connection_send(const struct connection *connection, const CriuReq *req);
/* The answer is freed by criu_resp__free_unpacked. *ret_fd is a descriptor
 * that came along, or -1. */
int connection_receive(
	const struct connection *connection, CriuResp **ret_resp, int *ret_fd);

#endif
