/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP sockets stay bound and connected to each other. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "../checkpoint.h"

int main(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET}, from;
	int server = (int)CHECK_SYS(socket(AF_INET, SOCK_DGRAM, 0));
	int client = (int)CHECK_SYS(socket(AF_INET, SOCK_DGRAM, 0));
	socklen_t len = sizeof(address), from_len = sizeof(from);
	char text[8] = "";

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_SYS(bind(server, (struct sockaddr *)&address, len));
	CHECK_SYS(getsockname(server, (struct sockaddr *)&address, &len));
	CHECK_SYS(connect(client, (struct sockaddr *)&address, len));
	checkpoint_here();
	CHECK_INT(send(client, "ping", 4, 0), 4);
	CHECK_INT(recvfrom(server, text, 8, 0, (struct sockaddr *)&from,
			  &from_len),
		4);
	CHECK_STR(text, "ping");
	CHECK_INT(sendto(server, "pong", 4, 0, (struct sockaddr *)&from,
			  from_len),
		4);
	CHECK_INT(recv(client, text, 8, 0), 4);
	CHECK_STR(text, "pong");
	checkpoint_ok();
}
