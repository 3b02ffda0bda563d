/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets stay bound though the options that allowed it were taken back. */
#include "checkpoint.h"
#include <netinet/in.h>
#include <sys/socket.h>

enum { USER = 4711 };

static struct sockaddr_in reused = {.sin_family = AF_INET},
			  shared = {.sin_family = AF_INET};

static void option_set(int fd, int level, int name, int value)
{
	CHECK_SYS(setsockopt(fd, level, name, &value, sizeof(value)));
}

static int option_get(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	CHECK_SYS(getsockopt(fd, level, name, &value, &size));
	return value;
}

static int bound(int type, int level, int name, struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);
	int fd = (int)CHECK_SYS(socket(AF_INET, type, 0));

	option_set(fd, level, name, 1);
	CHECK_SYS(bind(fd, (struct sockaddr *)address, size));
	CHECK_SYS(getsockname(fd, (struct sockaddr *)address, &size));
	if (type == SOCK_STREAM)
		CHECK_SYS(listen(fd, 5));
	return fd;
}

static void bound_check(int fd, const struct sockaddr_in *address)
{
	struct sockaddr_in now;
	socklen_t size = sizeof(now);

	CHECK_SYS(getsockname(fd, (struct sockaddr *)&now, &size));
	CHECK_INT(now.sin_port, address->sin_port);
	CHECK_INT(now.sin_addr.s_addr, address->sin_addr.s_addr);
}

/* Only users may share a port that have it already. */
static void user_run(int number)
{
	struct sockaddr_in own = {.sin_family = AF_INET};

	own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_SYS(seteuid(USER));
	bound(SOCK_STREAM, SOL_SOCKET, SO_REUSEPORT, &own);
	CHECK_SYS(seteuid(0));
	peer_up(number);
	checkpoint_wait_go();
	CHECK_SYS(seteuid(USER));
	bound(SOCK_STREAM, SOL_SOCKET, SO_REUSEPORT, &own);
}

int main(void)
{
	struct sockaddr_in absent = {.sin_family = AF_INET}, kept;
	int udp[2], tcp[2], nowhere, still;
	pid_t pid;

	if (geteuid())
		checkpoint_skip("only root is also somebody else");
	reused.sin_addr.s_addr = shared.sin_addr.s_addr =
		htonl(INADDR_LOOPBACK);
	absent.sin_addr.s_addr = htonl(0xc0000207); /* 192.0.2.7: for books */
	for (int i = 0; i < 2; i++) {
		udp[i] = bound(SOCK_DGRAM, SOL_SOCKET, SO_REUSEADDR, &reused);
		tcp[i] = bound(SOCK_STREAM, SOL_SOCKET, SO_REUSEPORT, &shared);
	}
	nowhere = bound(SOCK_DGRAM, SOL_IP, IP_FREEBIND, &absent);
	kept = absent;
	kept.sin_port = 0;
	still = bound(SOCK_STREAM, SOL_IP, IP_FREEBIND, &kept);
	option_set(udp[0], SOL_SOCKET, SO_REUSEADDR, 0);
	option_set(tcp[0], SOL_SOCKET, SO_REUSEPORT, 0);
	option_set(nowhere, SOL_IP, IP_FREEBIND, 0);
	pid = child_start(user_run, 0);
	peers_wait(1);
	checkpoint_here();
	for (int i = 0; i < 2; i++) {
		bound_check(udp[i], &reused);
		bound_check(tcp[i], &shared);
		CHECK_INT(option_get(udp[i], SOL_SOCKET, SO_REUSEADDR), i);
		CHECK_INT(option_get(tcp[i], SOL_SOCKET, SO_REUSEPORT), i);
		CHECK_INT(option_get(tcp[i], SOL_SOCKET, SO_REUSEADDR), 0);
	}
	bound_check(nowhere, &absent);
	bound_check(still, &kept);
	CHECK_INT(option_get(nowhere, SOL_IP, IP_FREEBIND), 0);
	CHECK_INT(option_get(still, SOL_IP, IP_FREEBIND), 1);
	child_join(pid);
	checkpoint_ok();
}
