/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "test.h"

enum { WAITING = 4 };

/* A listener that is full: whoever comes next gets no answer. */
struct deaf {
	int listener, waiting[WAITING], port;
};

static void deaf_open(struct deaf *deaf)
{
	struct sockaddr_in name = {
		.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(name);

	deaf->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	REQUIRE(!bind(deaf->listener, (struct sockaddr *)&name, size));
	REQUIRE(!getsockname(deaf->listener, (struct sockaddr *)&name, &size));
	REQUIRE(!listen(deaf->listener, 0));
	for (int i = 0; i < WAITING; i++) {
		deaf->waiting[i] = socket(
			AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		CHECK(!connect(deaf->waiting[i], (struct sockaddr *)&name,
			      size) ||
			errno == EINPROGRESS);
	}
	deaf->port = ntohs(name.sin_port);
}

static void deaf_close(struct deaf *deaf)
{
	for (int i = 0; i < WAITING; i++)
		close(deaf->waiting[i]);
	close(deaf->listener);
}

static int look_thrice(void *of, struct err *err)
{
	int *looks = of;

	return ++*looks < 3 ? 0 : err_set(err, EINTR, "interrupted by a test");
}

TEST(who_gets_no_answer_can_be_interrupted)
{
	struct deaf deaf;
	int looks = 0;
	struct wire wire = {.fd = -1, .look = look_thrice, .of = &looks};
	struct err err = {0};

	deaf_open(&deaf);
	CHECK_INT(connect_to("127.0.0.1", deaf.port, &wire, &err), -EINTR);
	CHECK_STR(err.text, "interrupted by a test");
	CHECK_INT(looks, 3);
	CHECK_INT(wire.fd, -1);
	deaf_close(&deaf);
}

TEST(who_gets_no_answer_gives_up_in_time_and_says_where)
{
	struct deaf deaf;
	struct wire wire = {.fd = -1, .idle_seconds = 1};
	struct err err = {0};

	deaf_open(&deaf);
	CHECK_INT(connect_to("127.0.0.1", deaf.port, &wire, &err), -ETIMEDOUT);
	CHECK(strstr(err.text, "at 127.0.0.1, port"));
	CHECK(err.hint[0]);
	CHECK_INT(wire.fd, -1);
	deaf_close(&deaf);
}

TEST(a_connection_that_was_made_waits_as_any_other)
{
	_cleanup_fd_ int listener = -1, taken = -1;
	struct wire wire = {.fd = -1, .idle_seconds = 1};
	struct err err = {0};
	char byte = 0;
	int port;

	REQUIRE(!connect_listen("127.0.0.1", 0, &listener, &port, &err));
	REQUIRE(!connect_to("127.0.0.1", port, &wire, &err));
	CHECK_INT(fcntl(wire.fd, F_GETFL) & O_NONBLOCK, 0);
	CHECK_INT(fcntl(wire.fd, F_GETFD), FD_CLOEXEC);
	taken = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	CHECK_INT(write(wire.fd, "x", 1), 1);
	CHECK_INT(read(taken, &byte, 1), 1);
	CHECK_INT(byte, 'x');
	close(wire.fd);
}

TEST(where_nobody_listens_is_told_at_once)
{
	_cleanup_fd_ int listener = -1;
	struct wire wire = {.fd = -1};
	struct err err = {0};
	int port;

	REQUIRE(!connect_listen("127.0.0.1", 0, &listener, &port, &err));
	close(fd_take(&listener));
	CHECK_INT(connect_to("127.0.0.1", port, &wire, &err), -ECONNREFUSED);
	CHECK(strstr(err.hint, "page-server"));
}
