/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kind law, for internet sockets. */
#include "file_law.h"
#include "kinds/file/lib/sockopt_table.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
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

/* What can be set on a socket without harm, and to what. Older kernels do not
 * know all of them. */
struct setting {
	int level, name, value;
};

static const struct setting of_all[] = {
	{SOL_SOCKET, SO_DEBUG, 1},
	{SOL_SOCKET, SO_RCVLOWAT, 2},
	{SOL_SOCKET, SO_MARK, 77},
	{SOL_SOCKET, SO_TIMESTAMPING_NEW, 0x58},
	{SOL_SOCKET, SO_RXQ_OVFL, 1},
	{SOL_SOCKET, SO_WIFI_STATUS, 1},
	{SOL_SOCKET, SO_PEEK_OFF, 0},
	{SOL_SOCKET, SO_NOFCS, 1},
	{SOL_SOCKET, SO_LOCK_FILTER, 1},
	{SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1},
	{SOL_SOCKET, SO_INCOMING_CPU, 1},
	{SOL_SOCKET, SO_ZEROCOPY, 1},
	{SOL_SOCKET, SO_TIMESTAMPNS_NEW, 1},
	{SOL_SOCKET, 74, 0}, /* SO_TXREHASH */
	{SOL_SOCKET, 75, 1}, /* SO_RCVMARK */
	{SOL_IP, IP_TOS, 0x10},
	{SOL_SOCKET, SO_PRIORITY, 3}, /* after IP_TOS */
	{SOL_IP, IP_RECVOPTS, 1},
	{SOL_IP, IP_RETOPTS, 1},
	{SOL_IP, IP_PKTINFO, 1},
	{SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE},
	{SOL_IP, IP_RECVERR, 1},
	{SOL_IP, IP_RECVTTL, 1},
	{SOL_IP, IP_RECVTOS, 1},
	{SOL_IP, IP_FREEBIND, 1},
	{SOL_IP, IP_PASSSEC, 1},
	{SOL_IP, IP_TRANSPARENT, 1},
	{SOL_IP, IP_RECVORIGDSTADDR, 1},
	{SOL_IP, IP_MINTTL, 254},
	{SOL_IP, IP_CHECKSUM, 1},
	{SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1},
	{SOL_IP, 26, 1}, /* IP_RECVERR_RFC4884 */
	{SOL_IP, IP_MULTICAST_ALL, 0},
	{-1, 0, 0},
};

static const struct setting of_ipv6[] = {
	{SOL_IPV6, IPV6_2292PKTINFO, 1},
	{SOL_IPV6, IPV6_2292HOPOPTS, 1},
	{SOL_IPV6, IPV6_2292DSTOPTS, 1},
	{SOL_IPV6, IPV6_2292RTHDR, 1},
	{SOL_IPV6, IPV6_2292HOPLIMIT, 1},
	{SOL_IPV6, 11, 1}, /* IPV6_FLOWINFO */
	{SOL_IPV6, IPV6_UNICAST_HOPS, 9},
	{SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO},
	{SOL_IPV6, IPV6_RECVERR, 1},
	{SOL_IPV6, 29, 0}, /* IPV6_MULTICAST_ALL */
	{SOL_IPV6, 31, 1}, /* IPV6_RECVERR_RFC4884 */
	{SOL_IPV6, 33, 1}, /* IPV6_FLOWINFO_SEND */
	{SOL_IPV6, IPV6_RECVPKTINFO, 1},
	{SOL_IPV6, IPV6_RECVHOPLIMIT, 1},
	{SOL_IPV6, IPV6_RECVHOPOPTS, 1},
	{SOL_IPV6, IPV6_RECVRTHDR, 1},
	{SOL_IPV6, IPV6_RECVDSTOPTS, 1},
	{SOL_IPV6, IPV6_RECVPATHMTU, 1},
	{SOL_IPV6, IPV6_DONTFRAG, 1},
	{SOL_IPV6, IPV6_RECVTCLASS, 1},
	{SOL_IPV6, IPV6_TCLASS, 0x20},
	{SOL_IPV6, IPV6_AUTOFLOWLABEL, 0},
	{SOL_IPV6, IPV6_ADDR_PREFERENCES, 1},
	{SOL_IPV6, IPV6_MINHOPCOUNT, 254},
	{SOL_IPV6, IPV6_ORIGDSTADDR, 1},
	{-1, 0, 0},
};

static const struct setting of_tcp[] = {
	{SOL_TCP, TCP_NODELAY, 1},
	{SOL_TCP, TCP_MAXSEG, 900},
	{SOL_TCP, TCP_SYNCNT, 3},
	{SOL_TCP, TCP_LINGER2, 7},
	{SOL_TCP, TCP_DEFER_ACCEPT, 7},
	{SOL_TCP, TCP_THIN_LINEAR_TIMEOUTS, 1},
	{SOL_TCP, TCP_USER_TIMEOUT, 12345},
	{SOL_TCP, TCP_NOTSENT_LOWAT, 9999},
	{SOL_TCP, TCP_SAVE_SYN, 1},
	{SOL_TCP, TCP_FASTOPEN_CONNECT, 1},
	{SOL_TCP, TCP_FASTOPEN_NO_COOKIE, 1},
	{SOL_TCP, TCP_INQ, 1},
	{-1, 0, 0},
};

static const struct setting of_udp[] = {
	{SOL_SOCKET, SO_BUSY_POLL, 1},
	{SOL_IP, IP_RECVFRAGSIZE, 1},
	{SOL_IP, IP_MULTICAST_TTL, 9},
	{SOL_IP, IP_MULTICAST_LOOP, 0},
	{SOL_UDP, UDP_NO_CHECK6_TX, 1},
	{SOL_UDP, UDP_NO_CHECK6_RX, 1},
	{SOL_UDP, 103, 500}, /* UDP_SEGMENT */
	{SOL_UDP, 104, 1},   /* UDP_GRO */
	{-1, 0, 0},
};

static void settings_make(int fd, const struct setting *setting)
{
	for (; setting->level >= 0; setting++)
		setsockopt(fd, setting->level, setting->name, &setting->value,
			sizeof(setting->value));
}

enum { LEVELS = 5, TOLD = 64 };

/* All that the kernel tells of a socket, but what it does at the moment. */
struct told {
	int size[LEVELS][SOCKOPT_NAMES];
	uint8_t value[LEVELS][SOCKOPT_NAMES][TOLD];
};
static const int levels[LEVELS] = {
	SOL_SOCKET, SOL_IP, SOL_IPV6, SOL_TCP, SOL_UDP};

static void told_read(int fd, struct told *ret)
{
	enum sockopt_sort sort;
	socklen_t size;

	memset(ret, 0, sizeof(*ret));
	for (int i = 0; i < LEVELS; i++) {
		for (int name = 0; name < SOCKOPT_NAMES; name++) {
			sort = sockopt_sort(levels[i], name);
			if (sort == SOCKOPT_STATE || sort == SOCKOPT_SILENT ||
				(levels[i] == SOL_SOCKET &&
					name == SO_GET_FILTER))
				continue;
			size = TOLD;
			ret->size[i][name] = getsockopt(fd, levels[i], name,
						     ret->value[i][name], &size)
						     ? -errno
						     : (int)size;
		}
	}
}

static void told_compare(const struct told *a, const struct told *b)
{
	char lost[64] = "";

	for (int i = 0; i < LEVELS; i++)
		for (int name = 0; name < SOCKOPT_NAMES; name++)
			if (a->size[i][name] != b->size[i][name] ||
				memcmp(a->value[i][name], b->value[i][name],
					TOLD))
				sockopt_label(levels[i], name, lost);
	CHECK_STR(lost, "");
}

static int any_socket(int kind)
{
	int fd = socket(kind & 1 ? AF_INET6 : AF_INET,
		(kind & 2 ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

	settings_make(fd, of_all);
	if (kind & 1)
		settings_make(fd, of_ipv6);
	settings_make(fd, kind & 2 ? of_udp : of_tcp);
	return fd;
}

TEST(no_option_of_a_socket_is_lost)
{
	static struct told before[4], after;
	struct law law = {0};

	REQUIRE(!law_open(&law));
	for (int i = 0; i < 4; i++) {
		law_add(&law, any_socket(i));
		told_read(law.fds[i], &before[i]);
	}
	if (!law_hold(&law)) {
		for (int i = 0; i < 4; i++) {
			told_read(law.fds[i], &after);
			told_compare(&before[i], &after);
		}
	}
	law_close(&law);
}

TEST(an_option_that_cannot_be_given_back_is_refused_by_name)
{
	struct law law = {0};
	int flags = 1 << 7; /* SOF_TIMESTAMPING_OPT_ID */

	REQUIRE(!law_open(&law));
	law_add(&law, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	if (!setsockopt(law.fds[0], SOL_TCP, TCP_REPAIR, &(int){1}, 4)) {
		CHECK_INT(law_capture(&law, &law.first), -EOPNOTSUPP);
		CHECK(strstr(law.err.text, "TCP_REPAIR") != NULL);
		CHECK(law.err.hint[0] != '\0');
	}
	close(law.fds[0]);
	law.fds[0] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	option_set(law.fds[0], SOL_SOCKET, SO_TIMESTAMPING_OLD, flags | 16);
	CHECK_INT(law_capture(&law, &law.second), -EOPNOTSUPP);
	CHECK(strstr(law.err.text, "OPT_ID") != NULL);
	law_close(&law);
}

/* IPT_SO_SET_REPLACE, with which the rules of iptables are set. */
TEST(an_image_sets_no_option_that_is_not_kept)
{
	struct law law = {0};
	StasisSocketOption *more;

	REQUIRE(!law_open(&law));
	law_add(&law, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	option_set(law.fds[0], SOL_IP, IP_RECVTTL, 1);
	CHECK_INT(law_capture(&law, &law.first), 0);
	REQUIRE(!law_objects_read(&law));
	more = law_object(&law, 0)->entry->isk->stasis_option[0];
	CHECK_INT(more->name, IP_RECVTTL);
	more->name = 64;
	CHECK_INT(law_make(&law), -EBADMSG);
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
	CHECK(strstr(law.err.text, "connections wait to be accepted (1)") !=
		NULL);
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
