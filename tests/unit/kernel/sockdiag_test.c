/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/sockdiag.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "test.h"

static uint32_t ino_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : (uint32_t)st.st_ino;
}

/* Bound to a free port and listening. */
static int listen_at(int family, struct sockaddr_in6 *at, int only)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in *four = (void *)at;
	socklen_t size = sizeof(*at);

	memset(at, 0, sizeof(*at));
	at->sin6_family = (sa_family_t)family;
	if (family == AF_INET) {
		four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		size = sizeof(*four);
	} else {
		/* A wildcard: any other address means IPv6 only. */
		at->sin6_addr = in6addr_any;
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	}
	if (bind(fd, (void *)at, size) || listen(fd, 5) ||
		getsockname(fd, (void *)at, &size)) {
		close(fd);
		return -1;
	}
	return fd;
}

TEST(a_listening_socket_is_found_by_its_inode)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct sockdiag_inets inets = {0};
	const struct sockdiag_inet *inet;
	const uint8_t loopback[4] = {127, 0, 0, 1};
	struct sockaddr_in6 at;
	struct err err = {0};
	int fd = listen_at(AF_INET, &at, 0);

	CHECK_INT(sockdiag_collect_inet(
			  arena, IPPROTO_TCP, 1 << TCP_LISTEN, &inets, &err),
		0);
	CHECK_STR(err.text, "");
	inet = sockdiag_find_inet(&inets, ino_of(fd));
	if (CHECK(inet)) {
		CHECK_INT(inet->family, AF_INET);
		CHECK_INT(inet->protocol, IPPROTO_TCP);
		CHECK_INT(inet->state, TCP_LISTEN);
		CHECK_INT(inet->src_port, ntohs(at.sin6_port));
		CHECK_MEM(inet->src, loopback, 4);
		CHECK_INT(inet->dst_port, 0);
		CHECK_INT(inet->rqueue, 0);
		CHECK_INT(inet->wqueue, 5);
		CHECK_INT(inet->uid, geteuid());
	}
	CHECK(!sockdiag_find_inet(&inets, UINT32_MAX));
	for (size_t i = 1; i < inets.n; i++)
		CHECK(inets.at[i - 1].ino <= inets.at[i].ino);
	close(fd);
}

TEST(ipv6_sockets_say_whether_they_are_for_ipv6_only)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct sockdiag_inets inets = {0};
	struct sockaddr_in6 at;
	int one = listen_at(AF_INET6, &at, 1);
	int both = listen_at(AF_INET6, &at, 0);
	const struct sockdiag_inet *inet;

	if (one < 0) {
		test_skip("there is no IPv6 here");
		return;
	}
	CHECK_INT(sockdiag_collect_inet(
			  arena, IPPROTO_TCP, UINT32_MAX, &inets, ERR_UNREAD),
		0);
	inet = sockdiag_find_inet(&inets, ino_of(one));
	CHECK(inet && inet->v6only && inet->family == AF_INET6);
	CHECK(inet && !memcmp(inet->src, &in6addr_any, 16));
	inet = sockdiag_find_inet(&inets, ino_of(both));
	CHECK(inet && !inet->v6only);
	close(one);
	close(both);
}

TEST(connected_sockets_show_both_ends_and_their_shutdown)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct sockdiag_inets inets = {0};
	const struct sockdiag_inet *near, *far;
	struct sockaddr_in6 at;
	int server = listen_at(AF_INET, &at, 0), client, peer;

	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	REQUIRE(!connect(client, (void *)&at, sizeof(struct sockaddr_in)));
	peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	CHECK_INT(send(client, "12345", 5, 0), 5);
	shutdown(client, SHUT_WR);
	usleep(20000);
	CHECK_INT(sockdiag_collect_inet(
			  arena, IPPROTO_TCP, UINT32_MAX, &inets, ERR_UNREAD),
		0);
	near = sockdiag_find_inet(&inets, ino_of(client));
	far = sockdiag_find_inet(&inets, ino_of(peer));
	if (CHECK(near && far)) {
		CHECK(near->state == TCP_FIN_WAIT1 ||
			near->state == TCP_FIN_WAIT2);
		CHECK_INT(far->state, TCP_CLOSE_WAIT);
		CHECK_INT(near->shutdown, 2);
		CHECK_INT(far->shutdown, 1);
		CHECK_INT(near->dst_port, ntohs(at.sin6_port));
		CHECK_INT(far->dst_port, near->src_port);
		CHECK(far->rqueue >= 5);
	}
	close(client);
	close(peer);
	close(server);
}

TEST(a_protocol_that_is_not_there_has_no_sockets)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct sockdiag_inets inets = {0};
	struct err err = {0};

	CHECK_INT(
		sockdiag_collect_inet(arena, 251, UINT32_MAX, &inets, &err), 0);
	CHECK_INT(inets.n, 0);
	CHECK_STR(err.text, "");
}

TEST(unix_pairs_know_each_other)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct sockdiag_unixes unixes = {0};
	const struct sockdiag_unix *one;
	struct err err = {0};
	int ends[2];

	REQUIRE(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
	shutdown(ends[0], SHUT_WR);
	CHECK_INT(sockdiag_collect_unix(arena, &unixes, &err), 0);
	CHECK_STR(err.text, "");
	one = sockdiag_find_unix(&unixes, ino_of(ends[0]));
	if (CHECK(one)) {
		CHECK_INT(one->peer, ino_of(ends[1]));
		CHECK_INT(one->type, SOCK_SEQPACKET);
		CHECK_INT(one->state, TCP_ESTABLISHED);
		CHECK_INT(one->shutdown, 2);
		CHECK_INT(one->name_size, 0);
	}
	close(ends[0]);
	close(ends[1]);
}

TEST(unix_listeners_tell_name_and_waiting_connections)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct sockdiag_unixes unixes = {0};
	const struct sockdiag_unix *sock, *waiting = NULL;
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size;
	int length = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1,
		"stasis-test-%d", getpid());

	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   (size_t)length);
	REQUIRE(!bind(server, (void *)&name, size) && !listen(server, 3));
	REQUIRE(!connect(client, (void *)&name, size));
	CHECK_INT(sockdiag_collect_unix(arena, &unixes, ERR_UNREAD), 0);
	sock = sockdiag_find_unix(&unixes, ino_of(server));
	if (CHECK(sock)) {
		CHECK_INT(sock->state, TCP_LISTEN);
		CHECK_INT(sock->name_size, length + 1);
		CHECK_MEM(sock->name, name.sun_path, (size_t)length + 1);
		CHECK_INT(sock->rqueue, 1);
		CHECK_INT(sock->wqueue, 3);
		if (CHECK_INT(sock->icons_n, 1))
			CHECK_INT(sock->icons[0], ino_of(client));
	}
	waiting = sockdiag_find_unix(&unixes, ino_of(client));
	CHECK(waiting && waiting->peer == 0);
	close(client);
	close(server);
}
