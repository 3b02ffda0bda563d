/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

enum { LOOK_MS = 100, CONNECT_SECONDS = 20 };

static int names_find(const char *address, int port, int flags,
	struct addrinfo **ret, struct err *err)
{
	const struct addrinfo wanted = {
		.ai_flags = flags | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	char service[16];
	int code;

	snprintf(service, sizeof(service), "%d", port);
	code = getaddrinfo(address, service, &wanted, ret);
	if (!code)
		return 0;
	err_set(err, EINVAL, "the address '%s' of the page server: %s",
		address ?: "(any)", gai_strerror(code));
	return err_hint(err, "give a host name, or a number such as 10.0.0.7 "
			     "or fe80::1%%eth0");
}

static int listener_make(const struct addrinfo *name, int *ret_fd)
{
	_cleanup_fd_ int fd = socket(
		name->ai_family, SOCK_STREAM | SOCK_CLOEXEC, name->ai_protocol);
	const int on = 1;

	if (fd < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
		bind(fd, name->ai_addr, name->ai_addrlen) || listen(fd, 16))
		return -errno;
	*ret_fd = fd_take(&fd);
	return 0;
}

static int port_read(int fd, int *ret_port, struct err *err)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);

	if (getsockname(fd, (struct sockaddr *)&name, &size))
		return err_errno(err, "looking which port was chosen");
	*ret_port = ntohs(name.ss_family == AF_INET6
				  ? ((struct sockaddr_in6 *)&name)->sin6_port
				  : ((struct sockaddr_in *)&name)->sin_port);
	return 0;
}

int connect_listen(const char *address, int port, int *ret_fd, int *ret_port,
	struct err *err)
{
	struct addrinfo *names;
	_cleanup_fd_ int fd = -1;
	int code;

	code = names_find(address, port, AI_PASSIVE, &names, err);
	if (code)
		return code;
	code = -EADDRNOTAVAIL;
	for (const struct addrinfo *n = names; n && code; n = n->ai_next)
		code = listener_make(n, &fd);
	freeaddrinfo(names);
	if (code)
		return err_code(err, code, "listening for pages at %s, port %d",
			address ?: "any address", port);
	code = port_read(fd, ret_port, err);
	if (!code)
		*ret_fd = fd_take(&fd);
	return code;
}

/* 0: it is there; 1: not yet; -errno. */
static int answer_look(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	int n = poll(&ready, 1, LOOK_MS), failed = 0;
	socklen_t size = sizeof(failed);

	if (n < 0)
		return errno == EINTR ? 1 : -errno;
	if (!n)
		return 1;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) ? -errno
								    : -failed;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

/* *ret_over: nobody wants it any more, and err says why. */
static int answer_await(
	struct wire *wire, int fd, bool *ret_over, struct err *err)
{
	int64_t until =
		now_ms() + 1000ll * (wire->idle_seconds ?: CONNECT_SECONDS);
	int code = 1;

	while (code > 0) {
		code = wire_look(wire, err);
		if (code) {
			*ret_over = true;
			return code;
		}
		if (now_ms() >= until)
			return -ETIMEDOUT;
		code = answer_look(fd);
	}
	return code;
}

static int connection_make(const struct addrinfo *name, struct wire *wire,
	bool *ret_over, struct err *err)
{
	_cleanup_fd_ int fd = socket(name->ai_family,
		SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, name->ai_protocol);
	int code = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, name->ai_addr, name->ai_addrlen))
		code = errno == EINPROGRESS
			       ? answer_await(wire, fd, ret_over, err)
			       : -errno;
	if (!code && fcntl(fd, F_SETFL, 0))
		code = -errno;
	if (!code)
		wire->fd = fd_take(&fd);
	return code;
}

int connect_to(
	const char *address, int port, struct wire *wire, struct err *err)
{
	struct addrinfo *names;
	bool over = false;
	int code;

	code = names_find(address, port, 0, &names, err);
	if (code)
		return code;
	code = -EADDRNOTAVAIL;
	for (const struct addrinfo *n = names; n && code && !over;
		n = n->ai_next)
		code = connection_make(n, wire, &over, err);
	freeaddrinfo(names);
	if (!code || over)
		return code;
	err_code(err, code, "connecting to the page server at %s, port %d",
		address ?: "this host", port);
	return err_hint(err, "start it first: stasis page-server -D DIR "
			     "--address ADDR --port PORT");
}
