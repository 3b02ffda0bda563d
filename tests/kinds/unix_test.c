/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The law for unix sockets. */
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "file_law.h"

static void pair_add(struct law *law, int type, int pair[2])
{
	CHECK_INT(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
	law_add(law, pair[0]);
	law_add(law, pair[1]);
}

TEST(pairs_and_what_waits_in_them)
{
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
	struct law law = {0};
	char text[16] = "";
	int pair[2];

	REQUIRE(!law_open(&law));
	for (int i = 0; i < 3; i++) {
		pair_add(&law, types[i], pair);
		CHECK_INT(write(pair[0], "one", 3), 3);
		CHECK_INT(write(pair[0], "two", 3), 3);
		CHECK_INT(write(pair[1], "back", 4), 4);
	}
	CHECK_INT(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	CHECK_INT(law_hold(&law), 0);
	CHECK_INT(read(law.fds[1], text, sizeof(text)), 6);
	CHECK_STR(text, "onetwo");
	CHECK_INT(read(law.fds[3], text, sizeof(text)), 3);
	CHECK_INT(read(law.fds[4], text, sizeof(text)), 4);
	law_close(&law);
}

TEST(ends_that_are_shut_and_options)
{
	struct law law = {0};
	int pair[2], one = 1, size = 20000;

	REQUIRE(!law_open(&law));
	pair_add(&law, SOCK_STREAM, pair);
	CHECK_INT(shutdown(pair[0], SHUT_WR), 0);
	CHECK_INT(
		setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)),
		0);
	CHECK_INT(
		setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)),
		0);
	CHECK_INT(law_hold(&law), 0);
	law_close(&law);
}

TEST(an_abstract_name_and_who_listens_there)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t size = offsetof(struct sockaddr_un, sun_path) + 20;
	struct law law = {0};
	int host, guest;

	snprintf(name.sun_path + 1, 19, "law-%d", getpid());
	REQUIRE(!law_open(&law));
	host = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	guest = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_INT(bind(host, (struct sockaddr *)&name, size), 0);
	CHECK_INT(listen(host, 3), 0);
	CHECK_INT(connect(guest, (struct sockaddr *)&name, size), 0);
	law_add(&law, host);
	law_add(&law, guest);
	law_add(&law, accept4(host, NULL, NULL, SOCK_CLOEXEC));
	CHECK_INT(law_hold(&law), 0);
	law_close(&law);
}
