/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A TCP listener on IPv4 keeps its options and accepts connections. */
#include "checkpoint.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static const struct option_wanted {
	int level, name, value;
} options[] = {
	{SOL_SOCKET, SO_REUSEADDR, 1},
	{SOL_SOCKET, SO_KEEPALIVE, 1},
	{SOL_SOCKET, SO_SNDBUF, 131072},
	{SOL_SOCKET, SO_RCVBUF, 98304},
	{SOL_SOCKET, SO_PRIORITY, 3},
	{SOL_SOCKET, SO_RCVLOWAT, 2},
	{IPPROTO_TCP, TCP_NODELAY, 1},
	{IPPROTO_TCP, TCP_KEEPIDLE, 77},
	{IPPROTO_TCP, TCP_KEEPINTVL, 11},
	{IPPROTO_TCP, TCP_KEEPCNT, 4},
};

static int option_get(int fd, const struct option_wanted *option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	CHECK_SYS(getsockopt(fd, option->level, option->name, &value, &len));
	return value;
}

int main(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET}, got;
	int fd = (int)CHECK_SYS(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	int before[COUNT_OF(options)], client, server;
	socklen_t len = sizeof(address);
	char text[8] = "";

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (size_t i = 0; i < COUNT_OF(options); i++)
		CHECK_SYS(setsockopt(fd, options[i].level, options[i].name,
			&options[i].value, sizeof(int)));
	CHECK_SYS(bind(fd, (struct sockaddr *)&address, len));
	CHECK_SYS(listen(fd, 37));
	CHECK_SYS(getsockname(fd, (struct sockaddr *)&address, &len));
	for (size_t i = 0; i < COUNT_OF(options); i++)
		before[i] = option_get(fd, &options[i]);
	checkpoint_here();
	for (size_t i = 0; i < COUNT_OF(options); i++)
		if (option_get(fd, &options[i]) != before[i])
			FAIL("option %d of level %d is %d, not %d",
				options[i].name, options[i].level,
				option_get(fd, &options[i]), before[i]);
	CHECK_SYS(getsockname(fd, (struct sockaddr *)&got, &len));
	CHECK(memcmp(&got, &address, sizeof(got)) == 0);
	CHECK_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
	client = (int)CHECK_SYS(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_SYS(connect(client, (struct sockaddr *)&address, len));
	server = (int)CHECK_SYS(accept(fd, NULL, NULL));
	CHECK_INT(write(client, "hello", 5), 5);
	CHECK_INT(read(server, text, 5), 5);
	CHECK_STR(text, "hello");
	checkpoint_ok();
}
