/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two listeners on one port (SO_REUSEPORT), one shared by two processes. */
#include "checkpoint.h"
#include <netinet/in.h>
#include <sys/socket.h>

static int first;

static int listener(struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	int fd = (int)CHECK_SYS(socket(AF_INET, SOCK_STREAM, 0)), one = 1;

	CHECK_SYS(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, 4));
	CHECK_SYS(bind(fd, (struct sockaddr *)address, len));
	CHECK_SYS(listen(fd, 10));
	CHECK_SYS(getsockname(fd, (struct sockaddr *)address, &len));
	return fd;
}

static void child(int number)
{
	int value = 0;
	socklen_t len = sizeof(value);

	peer_up(number);
	checkpoint_wait_go();
	CHECK_SYS(getsockopt(first, SOL_SOCKET, SO_REUSEPORT, &value, &len));
	CHECK_INT(value, 1);
}

int main(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int second, client;
	pid_t pid;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	first = listener(&address);
	second = listener(&address);
	CHECK(second > first);
	pid = child_start(child, 0);
	peers_wait(1);
	checkpoint_here();
	child_join(pid);
	client = (int)CHECK_SYS(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_SYS(
		connect(client, (struct sockaddr *)&address, sizeof(address)));
	CHECK(listener(&address) > 0);
	checkpoint_ok();
}
