/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet: requests and answers on a SOCK_SEQPACKET socket, one message each.
 *
 * There is no framing: a packet is a message, and its length is asked before
 * it is read. An answer never exceeds PACKET_ANSWER_MAX, the smallest buffer
 * that clients are known to have. Files sent along with a request are closed
 * by the kernel, unseen.
 */
#ifndef STASIS_SERVICE_PACKET_H
#define STASIS_SERVICE_PACKET_H

#include "base/arena.h"
#include "base/err.h"
#include "proto/rpc.pb-c.h"

enum { PACKET_ANSWER_MAX = 8192, PACKET_REQUEST_MAX = 1 << 20 };

/* *ret is NULL when the client has closed. EBADMSG: it is no request;
 * EMSGSIZE: longer than any request; ETIMEDOUT: none came in time. */
int packet_receive(
	int socket, struct arena *arena, CriuReq **ret, struct err *err);
/* EBADMSG for bytes that are not a whole request. */
int packet_unpack(struct arena *arena, const void *bytes, size_t size,
	CriuReq **ret, struct err *err);
int packet_send(int socket, const CriuResp *resp, struct err *err);

#endif
