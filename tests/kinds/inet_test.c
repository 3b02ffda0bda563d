/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kind law, for internet sockets. */
#include "file_law.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

static int listener_make(int family, int backlog)
{
	struct sockaddr_in6 any6 = {.sin6_family = AF_INET6};
	struct sockaddr_in any = {.sin_family = AF_INET};
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	CHECK(!bind(fd,
		family == AF_INET ? (struct sockaddr *)&any
				  : (struct sockaddr *)&any6,
		family == AF_INET ? sizeof(any) : sizeof(any6)));
	CHECK(!listen(fd, backlog));
	return fd;
}

static void option_set(int fd, int level, int name, int value)
{
	CHECK(!setsockopt(fd, level, name, &value, sizeof(value)));
}

/* Older kernels do not know them. */
static const struct {
	int level, name, value;
} newer[] = {
	{SOL_SOCKET, 82, 1},			   /* SO_RCVPRIORITY */
	{SOL_SOCKET, 69, 1},			   /* SO_PREFER_BUSY_POLL */
	{SOL_IP, 51, (int)(40000u << 16 | 30000)}, /* IP_LOCAL_PORT_RANGE */
	{SOL_TCP, 44, 90000},			   /* TCP_RTO_MAX_MS */
	{SOL_TCP, 45, 100000},			   /* TCP_RTO_MIN_US */
	{SOL_TCP, 46, 20000},			   /* TCP_DELACK_MAX_US */
};
enum { NEWER = sizeof(newer) / sizeof(*newer) };

static void newer_read(int fd, int ret[NEWER])
{
	socklen_t size;

	for (int i = 0; i < NEWER; i++) {
		size = sizeof(ret[i]);
		ret[i] = -1;
		getsockopt(fd, newer[i].level, newer[i].name, &ret[i], &size);
	}
}

static void listener_tune(int fd)
{
	for (int i = 0; i < NEWER; i++)
		setsockopt(fd, newer[i].level, newer[i].name, &newer[i].value,
			sizeof(newer[i].value));
	option_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	option_set(fd, SOL_SOCKET, SO_RCVBUF, 50000);
	option_set(fd, SOL_TCP, TCP_NODELAY, 1);
	option_set(fd, SOL_TCP, TCP_KEEPIDLE, 77);
	option_set(fd, SOL_TCP, TCP_KEEPCNT, 3);
	option_set(fd, SOL_TCP, TCP_DEFER_ACCEPT, 7);
	option_set(fd, SOL_TCP, TCP_USER_TIMEOUT, 12345);
	option_set(fd, SOL_IP, IP_TOS, 0x10);
	option_set(fd, SOL_IP, IP_TTL, 33);
}

TEST(listeners_keep_address_backlog_and_options)
{
	struct law law = {0};
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int client, before[NEWER], after[NEWER];

	REQUIRE(!law_open(&law));
	law_add(&law, listener_make(AF_INET, 37));
	law_add(&law, listener_make(AF_INET6, 5));
	listener_tune(law.fds[0]);
	listener_tune(law.fds[1]);
	option_set(law.fds[1], SOL_IPV6, IPV6_TCLASS, 0x20);
	option_set(law.fds[0], SOL_TCP, TCP_DEFER_ACCEPT, 0);
	newer_read(law.fds[0], before);
	if (!law_hold(&law)) {
		newer_read(law.fds[0], after);
		CHECK_MEM(after, before, sizeof(after));
		CHECK(!getsockname(
			law.fds[0], (struct sockaddr *)&address, &size));
		client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		CHECK(!connect(client, (struct sockaddr *)&address, size));
		close(accept(law.fds[0], NULL, NULL));
		close(client);
	}
	law_close(&law);
}

TEST(sockets_without_connection_are_kept)
{
	struct law law = {0};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct timeval patience = {5, 250000};
	struct linger linger = {1, 12};
	int fd;

	REQUIRE(!law_open(&law));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	option_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	law_add(&law, fd);
	law_add(&law, socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	option_set(law.fds[1], SOL_IPV6, IPV6_V6ONLY, 1);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(!connect(fd, (struct sockaddr *)&to, sizeof(to)));
	option_set(fd, SOL_SOCKET, SO_BROADCAST, 1);
	option_set(fd, SOL_IP, IP_PKTINFO, 1);
	CHECK(!shutdown(fd, SHUT_WR));
	law_add(&law, fd);
	law_hold(&law);
	law_close(&law);
}

/* "ip and not port 9", nearly: jumps, a constant of 32 bits, a return. */
static struct sock_filter filter[] = {
	{BPF_LD | BPF_H | BPF_ABS, 0, 0, 2},
	{BPF_JMP | BPF_JEQ | BPF_K, 2, 1, 0x12345678},
	{BPF_RET | BPF_K, 0, 0, 0},
	{BPF_RET | BPF_K, 0, 0, 0x40000},
	{BPF_RET | BPF_A, 0, 0, 0},
};
enum { FILTER = sizeof(filter) / sizeof(*filter) };

/* By hand, of the format's words: code, jt, jf, k, the code highest. */
static const uint64_t filter_words[FILTER] = {0x0028000000000002,
	0x0015020112345678, 0x0006000000000000, 0x0006000000040000,
	0x0016000000000000};

/* What Stasis wrote at first. */
static const uint64_t filter_early[FILTER] = {0x0000000200000028,
	0x1234567801020015, 0x0000000000000006, 0x0004000000000006,
	0x0000000000000016};

static void filter_check(int fd)
{
	struct sock_filter got[16];
	socklen_t n = 16;

	CHECK(!getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, got, &n));
	CHECK_INT(n, FILTER);
	CHECK_MEM(got, filter, sizeof(filter));
}

static void filter_law(struct law *law, const uint64_t *early)
{
	struct sock_fprog program = {FILTER, filter};
	SkOptsEntry *opts;

	law_add(law, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	CHECK(!setsockopt(law->fds[0], SOL_SOCKET, SO_ATTACH_FILTER, &program,
		sizeof(program)));
	REQUIRE(!law_capture(law, &law->first));
	opts = law->first.entries[0]->isk->opts;
	CHECK_INT(opts->n_so_filter, FILTER);
	CHECK_MEM(opts->so_filter, filter_words, sizeof(filter_words));
	close(law->fds[0]);
	REQUIRE(!law_objects_read(law));
	if (early)
		memcpy(law_object(law, 0)->entry->isk->opts->so_filter, early,
			sizeof(filter_early));
	CHECK_INT(law_make(law), 0);
	filter_check(law->fds[0]);
}

TEST(a_classic_filter_is_written_in_the_coding_of_the_format)
{
	struct law law = {0};

	REQUIRE(!law_open(&law));
	filter_law(&law, NULL);
	law_close(&law);
}

TEST(a_classic_filter_of_an_early_image_is_read)
{
	struct law law = {0};

	REQUIRE(!law_open(&law));
	filter_law(&law, filter_early);
	law_close(&law);
}

static int client_of(int listener)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(!getsockname(listener, (struct sockaddr *)&address, &size));
	CHECK(!connect(client, (struct sockaddr *)&address, size));
	return client;
}

TEST(connections_that_wait_and_those_that_are_open_are_refused)
{
	struct law law = {0};
	int client;

	REQUIRE(!law_open(&law));
	law_add(&law, listener_make(AF_INET, 5));
	client = client_of(law.fds[0]);
	CHECK_INT(law_capture(&law, &law.first), -EOPNOTSUPP);
	CHECK(strstr(law.err.text, "1 connections wait") != NULL);
	close(law.fds[0]);
	law.fds[0] = client;
	CHECK_INT(law_capture(&law, &law.second), -EOPNOTSUPP);
	CHECK(strstr(law.err.text, "TCP connection") != NULL);
	law_close(&law);
}

TEST(an_address_in_use_is_told_with_its_port)
{
	struct law law = {0};
	int fd;

	REQUIRE(!law_open(&law));
	law_add(&law, listener_make(AF_INET, 5));
	option_set(law.fds[0], SOL_SOCKET, SO_REUSEPORT, 0);
	CHECK_INT(law_capture(&law, &law.first), 0);
	fd = law.fds[0];
	CHECK_INT(law_objects_read(&law), 0);
	CHECK_INT(law_make(&law), -EADDRINUSE);
	CHECK(strstr(law.err.text, "0.0.0.0 port") != NULL);
	CHECK(law.err.hint[0] != '\0');
	CHECK_INT(law.fds[0], fd);
	law_close(&law);
}
