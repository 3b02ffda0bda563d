/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP sockets, bound and connected, still send and receive. */
#include "checkpoint.h"
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

int main(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET}, from;
	int bound = (int)CHECK_SYS(socket(AF_INET, SOCK_DGRAM, 0));
	int connected =
		(int)CHECK_SYS(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
	socklen_t len = sizeof(address);
	int one = 1, got = 0;
	struct pollfd waits = {.fd = connected, .events = POLLIN};
	char text[8] = "";

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_SYS(bind(bound, (struct sockaddr *)&address, len));
	CHECK_SYS(getsockname(bound, (struct sockaddr *)&address, &len));
	CHECK_SYS(connect(connected, (struct sockaddr *)&address, len));
	CHECK_SYS(setsockopt(bound, SOL_SOCKET, SO_BROADCAST, &one, 4));
	CHECK_SYS(getsockname(connected, (struct sockaddr *)&address, &len));
	checkpoint_here();
	CHECK_INT(send(connected, "ping", 4, 0), 4);
	CHECK_INT(
		recvfrom(bound, text, 8, 0, (struct sockaddr *)&from, &len), 4);
	CHECK_STR(text, "ping");
	CHECK_INT(from.sin_port, address.sin_port);
	CHECK_INT(
		sendto(bound, "pong", 4, 0, (struct sockaddr *)&from, len), 4);
	/* A busy kernel delivers when it finds the time. */
	CHECK_INT(poll(&waits, 1, 10000), 1);
	CHECK_INT(recv(connected, text, 8, 0), 4);
	CHECK_STR(text, "pong");
	CHECK(recv(connected, text, 8, 0) < 0 && errno == EAGAIN);
	CHECK_SYS(getsockopt(bound, SOL_SOCKET, SO_BROADCAST, &got, &len));
	CHECK_INT(got, 1);
	checkpoint_ok();
}
