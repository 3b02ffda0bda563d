/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "pages/tls.h"

enum {
	LOOK_SECONDS = 1,
	HOST_IDLE = 20, /* seconds without a word before it is asked */
	HOST_EVERY = 10,
	HOST_MS = 60000, /* without an answer */
};

/* Who waits for ever for words waits no longer than that for a host that is
 * off: it is asked, and has to answer. */
static void host_watch(int fd)
{
	const int idle = HOST_IDLE, every = HOST_EVERY;
	const unsigned limit = HOST_MS;

	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof(limit));
}

int wire_begin(struct wire *wire, struct err *err)
{
	const struct timeval look = {.tv_sec = LOOK_SECONDS};
	const int on = 1;

	if (setsockopt(
		    wire->fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof(look)) ||
		setsockopt(
			wire->fd, SOL_SOCKET, SO_SNDTIMEO, &look, sizeof(look)))
		return err_errno(
			err, "fd %d as a connection for pages", wire->fd);
	/* Not known to a unix socket, which does not need them. */
	setsockopt(wire->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	host_watch(wire->fd);
	return 0;
}

int wire_look(struct wire *wire, struct err *err)
{
	return wire->look ? wire->look(wire->of, err) : 0;
}

/* Nothing moved for LOOK_SECONDS. */
int wire_wait(struct wire *wire, int *waited, struct err *err)
{
	*waited += LOOK_SECONDS;
	if (!wire->idle_seconds || *waited < wire->idle_seconds)
		return 0;
	err_set(err, ETIMEDOUT,
		"the other end of the connection for pages has not moved for "
		"%d seconds",
		*waited);
	return err_hint(err, "look whether it still runs, and at its log");
}

/* As send(2), without a signal; -errno, and err is filled but for EAGAIN. */
static ssize_t some_put(
	struct wire *wire, const char *from, size_t size, struct err *err)
{
	ssize_t done;

	if (wire->tls)
		return tls_send(wire, from, size, err);
	done = send(wire->fd, from, size, MSG_NOSIGNAL);
	if (done >= 0)
		return done;
	if (errno == EINTR || errno == EAGAIN)
		return -errno;
	return err_errno(
		err, "sending to the other end of the connection for pages");
}

int wire_put(struct wire *wire, const void *from, size_t size, struct err *err)
{
	const char *at = from;
	int waited = 0, code;
	ssize_t done;

	for (; size; at += done, size -= (size_t)done) {
		code = wire_look(wire, err);
		if (code)
			return code;
		done = some_put(wire, at, size, err);
		if (done > 0) {
			waited = 0;
			continue;
		}
		if (done != -EINTR && done != -EAGAIN)
			return (int)done;
		code = done == -EAGAIN ? wire_wait(wire, &waited, err) : 0;
		if (code)
			return code;
		done = 0;
	}
	return 0;
}

/* As recv(2). */
static ssize_t some_take(
	struct wire *wire, char *to, size_t size, struct err *err)
{
	ssize_t got;

	if (wire->tls)
		return tls_recv(wire, to, size, err);
	got = recv(wire->fd, to, size, 0);
	if (got >= 0)
		return got;
	if (errno == EINTR || errno == EAGAIN)
		return -errno;
	return err_errno(
		err, "reading from the other end of the connection for pages");
}

/* How many bytes came before the end. */
static int bytes_take(
	struct wire *wire, void *to, size_t size, size_t *ret, struct err *err)
{
	int waited = 0, code;
	size_t have = 0;
	ssize_t got;

	while (have < size) {
		code = wire_look(wire, err);
		if (code)
			return code;
		got = some_take(wire, (char *)to + have, size - have, err);
		if (!got)
			break;
		if (got > 0) {
			have += (size_t)got;
			waited = 0;
			continue;
		}
		if (got != -EINTR && got != -EAGAIN)
			return (int)got;
		code = got == -EAGAIN ? wire_wait(wire, &waited, err) : 0;
		if (code)
			return code;
	}
	*ret = have;
	return 0;
}

int wire_take(struct wire *wire, void *to, size_t size, struct err *err)
{
	size_t got = 0;
	int code = bytes_take(wire, to, size, &got, err);

	if (code || got == size)
		return code;
	err_set(err, EPIPE,
		"the other end of the connection for pages has gone away in "
		"the middle");
	return err_hint(err, "its own log says why");
}

int wire_await_end(struct wire *wire, struct err *err)
{
	size_t got = 1;
	char byte;
	int code = 0;

	while (!code && got)
		code = bytes_take(wire, &byte, 1, &got, err);
	return code;
}

int wire_object_read(uint64_t object, enum wire_object *ret_what,
	uint64_t *ret_id, struct err *err)
{
	switch (object & 0xff) {
	case WIRE_TASK:
	case 10: /* of writers before 4.0: numbers of image types */
	case 11:
	case 16:
	case 17:
		*ret_what = WIRE_TASK;
		break;
	case WIRE_SHARED:
	case 27:
	case 28:
	case 29:
	case 32:
	case 33:
	case 34:
		*ret_what = WIRE_SHARED;
		break;
	default:
		return err_set(err, EBADMSG,
			"the peer speaks of pages of an object of sort %u, "
			"which there is not",
			(unsigned)(object & 0xff));
	}
	*ret_id = object >> 8;
	if (*ret_id > INT32_MAX && *ret_what == WIRE_TASK)
		return err_set(err, EBADMSG,
			"the peer speaks of process %" PRIu64
			", which there cannot be",
			*ret_id);
	if (*ret_id > UINT32_MAX)
		return err_set(err, EBADMSG,
			"the peer speaks of memory object %" PRIu64
			", which there cannot be",
			*ret_id);
	return 0;
}

int wire_send(
	struct wire *wire, const struct wire_message *message, struct err *err)
{
	return wire_put(wire, message, sizeof(*message), err);
}

int wire_receive(struct wire *wire, struct wire_message *ret, bool *ret_end,
	struct err *err)
{
	size_t got = 0;
	int code = bytes_take(wire, ret, 1, &got, err);

	*ret_end = !code && !got;
	if (code || !got)
		return code;
	return wire_take(wire, (char *)ret + 1, sizeof(*ret) - 1, err);
}

int wire_check_pages(
	const struct wire_message *message, uint32_t page_size, struct err *err)
{
	uint64_t bytes, end;

	if (message->vaddr % page_size == 0 &&
		!__builtin_mul_overflow(message->nr_pages, page_size, &bytes) &&
		!__builtin_add_overflow(message->vaddr, bytes, &end) &&
		end < UINT64_MAX / 2 && message->nr_pages)
		return 0;
	err_set(err, EBADMSG,
		"the peer speaks of %" PRIu64 " pages at 0x%" PRIx64
		", which there cannot be",
		message->nr_pages, message->vaddr);
	return err_hint(err,
		"both ends must have pages of one size (%u bytes "
		"here) and be of CRIU 4.2 or newer",
		page_size);
}
