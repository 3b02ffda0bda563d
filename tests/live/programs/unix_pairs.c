/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pairs of unix sockets keep what waits in them, both ways, in its pieces. */
#include "checkpoint.h"
#include <sys/ioctl.h>
#include <sys/socket.h>

static int stream[2], packets[2], datagrams[2], across[2];

static void child(int number)
{
	char text[16] = "";

	close(across[0]);
	peer_up(number);
	checkpoint_wait_go();
	CHECK_INT(read(across[1], text, sizeof(text)), 4);
	CHECK_STR(text, "down");
	CHECK_INT(write(across[1], "more", 4), 4);
}

static void reads(int fd, const char *text)
{
	char got[64] = "";

	CHECK_INT(recv(fd, got, sizeof(got), MSG_DONTWAIT), strlen(text));
	CHECK_STR(got, text);
}

static void is_empty(int fd)
{
	char got[8];

	CHECK(recv(fd, got, sizeof(got), MSG_DONTWAIT) < 0 && errno == EAGAIN);
}

static void big_check(int fd, size_t size)
{
	size_t done = 0;
	unsigned char got[4096];
	ssize_t n;

	while (done < size) {
		n = CHECK_SYS(recv(fd, got, sizeof(got), MSG_DONTWAIT));
		for (ssize_t i = 0; i < n; i++)
			CHECK_INT(got[i], (done + (size_t)i) % 251);
		done += (size_t)n;
	}
	is_empty(fd);
}

static size_t big_fill(int fd)
{
	unsigned char bytes[4096];
	size_t done = 0;
	ssize_t n;

	do {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (unsigned char)((done + i) % 251);
		n = send(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		done += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	return done;
}

static int big[2], shut[2], left[2], reset[2], peeked[2];
static int buffer = 40000;
static size_t filled;

static void pairs_make(void)
{
	int one = 1, at = 2;

	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, stream));
	CHECK_SYS(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, packets));
	CHECK_SYS(
		socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, datagrams));
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, across));
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, big));
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, shut));
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, left));
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, reset));
	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, peeked));
	CHECK_SYS(write(stream[0], "hello ", 6));
	CHECK_SYS(write(stream[0], "world", 5));
	CHECK_SYS(write(stream[1], "back", 4));
	CHECK_SYS(write(packets[0], "first", 5));
	CHECK_SYS(write(packets[0], "second", 6));
	CHECK_SYS(write(datagrams[1], "one", 3));
	CHECK_SYS(send(datagrams[1], "", 0, 0));
	CHECK_SYS(write(datagrams[1], "two", 3));
	CHECK_SYS(setsockopt(
		stream[0], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)));
	CHECK_SYS(setsockopt(
		stream[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	CHECK_SYS(write(shut[0], "last", 4));
	CHECK_SYS(shutdown(shut[0], SHUT_WR));
	CHECK_SYS(write(left[0], "bye", 3));
	close(left[0]);
	CHECK_SYS(write(reset[1], "unread", 6));
	close(reset[0]);
	CHECK_SYS(write(peeked[0], "abcdef", 6));
	CHECK_SYS(setsockopt(
		peeked[1], SOL_SOCKET, SO_PEEK_OFF, &at, sizeof(at)));
	filled = big_fill(big[0]);
	CHECK_SYS(write(across[0], "down", 4));
}

static void options_check(void)
{
	socklen_t length = sizeof(int);
	int value;

	CHECK_SYS(
		getsockopt(stream[0], SOL_SOCKET, SO_SNDBUF, &value, &length));
	CHECK_INT(value, 2 * buffer);
	CHECK_SYS(getsockopt(
		stream[0], SOL_SOCKET, SO_PASSCRED, &value, &length));
	CHECK_INT(value, 1);
	CHECK_SYS(getsockopt(
		stream[1], SOL_SOCKET, SO_PASSCRED, &value, &length));
	CHECK_INT(value, 0);
}

static void queues_check(void)
{
	char text[16];

	reads(stream[0], "back");
	reads(stream[1], "hello world");
	is_empty(stream[0]);
	reads(packets[1], "first");
	reads(packets[1], "second");
	is_empty(packets[1]);
	reads(datagrams[0], "one");
	CHECK_INT(recv(datagrams[0], text, sizeof(text), MSG_DONTWAIT), 0);
	reads(datagrams[0], "two");
	is_empty(datagrams[0]);
	CHECK(fcntl(datagrams[0], F_GETFL) & O_NONBLOCK);
}

static void ends_check(void)
{
	char text[16];

	reads(shut[1], "last");
	CHECK_INT(recv(shut[1], text, sizeof(text), MSG_DONTWAIT), 0);
	CHECK(send(shut[0], "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
	CHECK_SYS(write(shut[1], "still", 5));
	reads(shut[0], "still");
	reads(left[1], "bye");
	CHECK_INT(recv(left[1], text, sizeof(text), MSG_DONTWAIT), 0);
	CHECK(send(left[1], "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
	CHECK(recv(reset[1], text, sizeof(text), MSG_DONTWAIT) < 0 &&
		errno == ECONNRESET);
	CHECK_INT(recv(peeked[1], text, 2, MSG_PEEK), 2);
	CHECK(!memcmp(text, "cd", 2));
	big_check(big[1], filled);
}

int main(void)
{
	char text[16];
	pid_t pid;

	pairs_make();
	pid = child_start(child, 0);
	close(across[1]);
	peers_wait(1);
	checkpoint_here();
	options_check();
	queues_check();
	ends_check();
	CHECK_INT(read(across[0], text, sizeof(text)), 4);
	CHECK(!memcmp(text, "more", 4));
	child_join(pid);
	checkpoint_ok();
}
