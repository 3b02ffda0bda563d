/* SPDX-License-Identifier: MIT */
/* Messages as packets of a connection. */
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Is it worth to receive again? Who ends without having read all that we sent
 * makes the kernel say so (ECONNRESET) once, before the packets that wait for
 * us. */
static bool receive_again(bool *reset)
{
	if (errno == EINTR)
		return true;
	if (errno != ECONNRESET || *reset)
		return false;
	*reset = true;
	return true;
}

/* Size of the next packet; 0: there is none and will be none. */
static ssize_t packet_size(int fd)
{
	bool reset = false;
	ssize_t size;
	char byte;

	do {
		size = recv(fd, &byte, sizeof(byte), MSG_PEEK | MSG_TRUNC);
	} while (size < 0 && receive_again(&reset));
	return size;
}

/* What the worker that could not start left behind, or -ECOMM. */
static int refusal_read(const struct connection *connection)
{
	int saved = errno;
	unsigned char why;

	if (errno == EPIPE && connection->started &&
		packet_size(connection->fd) == 1 &&
		recv(connection->fd, &why, sizeof(why), 0) == 1) {
		errno = why;
		return -ECONNREFUSED;
	}
	errno = saved;
	return -ECOMM;
}

int connection_send(const struct connection *connection, const CriuReq *req)
{
	size_t size = criu_req__get_packed_size(req);
	uint8_t *bytes = malloc(size);
	ssize_t sent;

	if (!bytes)
		return -ECOMM;
	criu_req__pack(req, bytes);
	do {
		sent = send(connection->fd, bytes, size, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	free(bytes);
	return sent < 0 ? refusal_read(connection) : 0;
}

/* The first descriptor of a packet; any others are closed. */
static int descriptor_take(struct msghdr *packet)
{
	int fd = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(packet); c;
		c = CMSG_NXTHDR(packet, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int one;

			memcpy(&one, CMSG_DATA(c) + i * sizeof(int),
				sizeof(one));
			if (fd < 0)
				fd = one;
			else
				close(one);
		}
	}
	return fd;
}

static int packet_read(int fd, uint8_t *bytes, size_t size, int *ret_fd)
{
	char control[CMSG_SPACE(4 * sizeof(int))];
	struct iovec part = {.iov_base = bytes, .iov_len = size};
	struct msghdr packet = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	bool reset = false;
	ssize_t got;

	/* The other side may have ended since its packet's size was seen. */
	do {
		got = recvmsg(fd, &packet, MSG_CMSG_CLOEXEC);
	} while (got < 0 && receive_again(&reset));
	if (got != (ssize_t)size)
		return -ECOMM;
	*ret_fd = descriptor_take(&packet);
	return 0;
}

static int packet_unpack(const struct connection *connection,
	const uint8_t *bytes, size_t size, CriuResp **ret_resp)
{
	CriuResp *resp;

	if (size == 1 && connection->started) {
		errno = bytes[0];
		return -ECONNREFUSED;
	}
	resp = criu_resp__unpack(NULL, size, bytes);
	if (!resp) {
		errno = EBADMSG;
		return -ECOMM;
	}
	*ret_resp = resp;
	return 0;
}

int connection_receive(
	const struct connection *connection, CriuResp **ret_resp, int *ret_fd)
{
	ssize_t size = packet_size(connection->fd);
	uint8_t *bytes;
	int ret, fd = -1;

	if (size <= 0) {
		if (size == 0)
			errno = ECONNRESET;
		return -ECOMM;
	}
	bytes = malloc(size);
	if (!bytes)
		return -ECOMM;
	ret = packet_read(connection->fd, bytes, size, &fd);
	if (!ret)
		ret = packet_unpack(connection, bytes, size, ret_resp);
	free(bytes);
	if (!ret)
		*ret_fd = fd;
	else if (fd >= 0)
		close(fd);
	return ret;
}
