/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/packet.h"

#include <errno.h>
#include <sys/socket.h>

#include "image/budget.h"

/* A command may have many short words, each of which takes more. */
enum { COUNTS_AS = 32 << 10 };

int packet_unpack(struct arena *arena, const void *bytes, size_t size,
	CriuReq **ret, struct err *err)
{
	struct image_budget budget = image_budget(
		arena, size > COUNTS_AS ? size : COUNTS_AS, BUDGET_TIMES, NULL);
	ProtobufCAllocator allocator = image_allocator(&budget);
	CriuReq *req = criu_req__unpack(&allocator, size, bytes);

	if (!req && budget.spent)
		return err_set(err, EBADMSG,
			"a packet of %zu bytes has too many parts: in memory "
			"they take many times its size",
			size);
	if (!req) {
		err_set(err, EBADMSG,
			"a packet of %zu bytes is not a request: it is cut "
			"short, lacks a required part, or has a field of the "
			"wrong kind",
			size);
		return err_hint(err, "send one criu_req of rpc.proto a packet");
	}
	*ret = req;
	return 0;
}

static int receive_failed(struct err *err)
{
	if (errno == EAGAIN)
		return err_set(err, ETIMEDOUT,
			"the client did not send anything in time");
	return err_errno(err, "receiving from the client");
}

int packet_receive(
	int socket, struct arena *arena, CriuReq **ret, struct err *err)
{
	char *bytes, one;
	ssize_t size;

	do
		size = recv(socket, &one, 1, MSG_PEEK | MSG_TRUNC);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return receive_failed(err);
	if (size == 0) {
		*ret = NULL;
		return 0;
	}
	if (size > PACKET_REQUEST_MAX) {
		recv(socket, &one, 1, 0);
		return err_set(err, EMSGSIZE,
			"a packet of %zd bytes is longer than any request",
			size);
	}
	bytes = arena_alloc(arena, (size_t)size);
	size = recv(socket, bytes, (size_t)size, 0);
	if (size < 0)
		return receive_failed(err);
	return packet_unpack(arena, bytes, (size_t)size, ret, err);
}

int packet_send(int socket, const CriuResp *resp, struct err *err)
{
	size_t size = criu_resp__get_packed_size(resp);
	uint8_t bytes[PACKET_ANSWER_MAX];
	ssize_t sent;

	if (size > sizeof(bytes))
		return err_set(err, EMSGSIZE,
			"an answer of %zu bytes is too long", size);
	criu_resp__pack(resp, bytes);
	do
		sent = send(socket, bytes, size, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return err_errno(err, "sending to the client");
	return 0;
}
