/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP listeners on IPv6 keep V6ONLY and backlog, next to one on IPv4. */
#include "checkpoint.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static int listener(int v6only, in_port_t *port)
{
	struct sockaddr_in6 address = {
		.sin6_family = AF_INET6, .sin6_port = *port};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0)
		checkpoint_skip("no IPv6 here");
	CHECK_SYS(setsockopt(
		fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)));
	address.sin6_addr = in6addr_any;
	CHECK_SYS(bind(fd, (struct sockaddr *)&address, len));
	CHECK_SYS(listen(fd, 3));
	CHECK_SYS(getsockname(fd, (struct sockaddr *)&address, &len));
	*port = address.sin6_port;
	return fd;
}

static int v6only_get(int fd)
{
	int value = -1;
	socklen_t len = sizeof(value);

	CHECK_SYS(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, &len));
	return value;
}

static int listener4(in_port_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = port};
	int fd = (int)CHECK_SYS(socket(AF_INET, SOCK_STREAM, 0));

	CHECK_SYS(bind(fd, (struct sockaddr *)&address, sizeof(address)));
	CHECK_SYS(listen(fd, 3));
	return fd;
}

static void reach(int listening, in_port_t port, bool four)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6,
		.sin6_port = port,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = port};
	int fd, got;

	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = (int)CHECK_SYS(socket(four ? AF_INET : AF_INET6, SOCK_STREAM, 0));
	CHECK_SYS(four ? connect(fd, (struct sockaddr *)&v4, sizeof(v4))
		       : connect(fd, (struct sockaddr *)&six, sizeof(six)));
	got = (int)CHECK_SYS(accept(listening, NULL, NULL));
	close(fd);
	close(got);
}

int main(void)
{
	in_port_t alone_port = 0, dual_port = 0;
	int alone = listener(1, &alone_port), dual = listener(0, &dual_port);
	int four = listener4(alone_port);
	struct tcp_info info;
	socklen_t len = sizeof(info);

	checkpoint_here();
	CHECK_INT(v6only_get(alone), 1);
	CHECK_INT(v6only_get(dual), 0);
	CHECK_INT(fcntl(alone, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_SYS(getsockopt(alone, IPPROTO_TCP, TCP_INFO, &info, &len));
	CHECK_INT(info.tcpi_state, TCP_LISTEN);
	CHECK_INT(info.tcpi_sacked, 3);
	reach(alone, alone_port, false);
	reach(four, alone_port, true);
	reach(dual, dual_port, false);
	reach(dual, dual_port, true);
	CHECK(accept(alone, NULL, NULL) < 0 && errno == EAGAIN);
	checkpoint_ok();
}
