/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/inet_opts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif
#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#ifndef IPV6_AUTOFLOWLABEL
#define IPV6_AUTOFLOWLABEL 70
#endif
#ifndef SO_BUSY_POLL
#define SO_BUSY_POLL 46
#endif
#ifndef SO_PREFER_BUSY_POLL
#define SO_PREFER_BUSY_POLL 69
#define SO_BUSY_POLL_BUDGET 70
#endif
#ifndef SO_RCVPRIORITY
#define SO_RCVPRIORITY 82 /* 6.14 */
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51 /* 6.3 */
#endif
#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS 44 /* 6.15 */
#endif
#ifndef TCP_RTO_MIN_US
#define TCP_RTO_MIN_US 45 /* 6.17 */
#define TCP_DELACK_MAX_US 46
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { VALUE_MAX = 64 };

struct option {
	int level, name;
};

static const struct option more_of_all[] = {
	{SOL_SOCKET, SO_BUSY_POLL},
	{SOL_SOCKET, SO_PREFER_BUSY_POLL},
	{SOL_SOCKET, SO_BUSY_POLL_BUDGET},
	{SOL_SOCKET, SO_RCVPRIORITY},
	{SOL_SOCKET, SO_MAX_PACING_RATE},
	{SOL_SOCKET, SO_RXQ_OVFL},
	{SOL_SOCKET, SO_ZEROCOPY},
	{SOL_SOCKET, SO_TIMESTAMP},
	{SOL_SOCKET, SO_TIMESTAMPNS},
	{SOL_IP, IP_TRANSPARENT},
	{SOL_IP, IP_BIND_ADDRESS_NO_PORT},
	{SOL_IP, IP_LOCAL_PORT_RANGE},
	{SOL_IP, IP_MTU_DISCOVER},
	{SOL_IP, IP_MINTTL},
	{SOL_IP, IP_RECVERR},
	{SOL_IP, IP_RECVTTL},
	{SOL_IP, IP_RECVTOS},
	{SOL_IP, IP_RECVORIGDSTADDR},
	{SOL_IP, IP_MULTICAST_IF}, /* told only as an address */
	{SOL_IP, IP_MULTICAST_TTL},
	{SOL_IP, IP_MULTICAST_LOOP},
	{SOL_IP, IP_MULTICAST_ALL},
	{-1, 0},
};

static const struct option more_of_ipv6[] = {
	{SOL_IPV6, IPV6_UNICAST_HOPS},
	{SOL_IPV6, IPV6_TCLASS},
	{SOL_IPV6, IPV6_MTU_DISCOVER},
	{SOL_IPV6, IPV6_DONTFRAG},
	{SOL_IPV6, IPV6_AUTOFLOWLABEL},
	{SOL_IPV6, IPV6_RECVERR},
	{SOL_IPV6, IPV6_RECVTCLASS},
	{SOL_IPV6, IPV6_RECVHOPLIMIT},
	{SOL_IPV6, IPV6_MULTICAST_HOPS},
	{SOL_IPV6, IPV6_MULTICAST_LOOP},
	{-1, 0},
};

static const struct option more_of_tcp[] = {
	{SOL_TCP, TCP_CONGESTION},
	{SOL_TCP, TCP_DEFER_ACCEPT},
	{SOL_TCP, TCP_DELACK_MAX_US},
	{SOL_TCP, TCP_FASTOPEN},
	{SOL_TCP, TCP_FASTOPEN_CONNECT},
	{SOL_TCP, TCP_FASTOPEN_NO_COOKIE},
	{SOL_TCP, TCP_INQ},
	{SOL_TCP, TCP_LINGER2},
	{SOL_TCP, TCP_MAXSEG},
	{SOL_TCP, TCP_NOTSENT_LOWAT},
	{SOL_TCP, TCP_QUICKACK},
	{SOL_TCP, TCP_RTO_MAX_MS},
	{SOL_TCP, TCP_RTO_MIN_US},
	{SOL_TCP, TCP_SAVE_SYN},
	{SOL_TCP, TCP_SYNCNT},
	{SOL_TCP, TCP_THIN_LINEAR_TIMEOUTS},
	{SOL_TCP, TCP_TX_DELAY},
	{SOL_TCP, TCP_USER_TIMEOUT},
	{SOL_TCP, TCP_WINDOW_CLAMP},
	{-1, 0},
};

static const struct option more_of_udp[] = {
	{SOL_UDP, UDP_NO_CHECK6_TX},
	{SOL_UDP, UDP_NO_CHECK6_RX},
	{SOL_UDP, UDP_SEGMENT},
	{SOL_UDP, UDP_GRO},
	{-1, 0},
};

/* Their value is the index of a network device, which is this host's. */
static const struct device_option {
	int level, name;
	bool network_order;
} of_devices[] = {
	{SOL_IP, IP_UNICAST_IF, true},
	{SOL_IPV6, IPV6_UNICAST_IF, true},
	{SOL_IPV6, IPV6_MULTICAST_IF, false},
};
enum { OF_DEVICES = sizeof(of_devices) / sizeof(*of_devices) };

static StasisSocketOption *more_add(
	struct arena *arena, struct inet_opts *opts, int level, int name)
{
	StasisSocketOption *more = arena_new1(arena, StasisSocketOption);

	stasis_socket_option__init(more);
	more->level = (uint32_t)level;
	more->name = (uint32_t)name;
	opts->more = arena_grow(arena, opts->more, opts->n_more * sizeof(more),
		(opts->n_more + 1) * sizeof(more));
	opts->more[opts->n_more++] = more;
	return more;
}

static int devices_capture(
	struct arena *arena, int fd, struct inet_opts *opts, struct err *err)
{
	const struct device_option *option;
	char name[IF_NAMESIZE];
	uint32_t index;

	for (size_t i = 0; i < OF_DEVICES; i++) {
		option = &of_devices[i];
		if (!sockopt_get(fd, option->level, option->name, &index) ||
			!index)
			continue;
		if (option->network_order)
			index = ntohl(index);
		if (!if_indextoname(index, name))
			return err_errno(
				err, "looking for network device %u", index);
		more_add(arena, opts, option->level, option->name)->device =
			arena_strdup(arena, name);
	}
	return 0;
}

static int device_restore(
	int fd, const StasisSocketOption *more, struct err *err)
{
	uint32_t index = if_nametoindex(more->device);

	if (!index)
		return err_errno(
			err, "looking for network device %s", more->device);
	for (size_t i = 0; i < OF_DEVICES; i++)
		if ((int)more->level == of_devices[i].level &&
			(int)more->name == of_devices[i].name)
			return sockopt_set(fd, of_devices[i].level,
				of_devices[i].name,
				of_devices[i].network_order ? htonl(index)
							    : index,
				err);
	return err_set(err, EBADMSG,
		"option %u of level %u of a socket is told as a device",
		more->name, more->level);
}

/* What differs from a new socket. */
static void more_capture(struct arena *arena, int fd, int fresh,
	const struct option *option, struct inet_opts *opts)
{
	char value[VALUE_MAX], usual[VALUE_MAX];
	StasisSocketOption *more;
	socklen_t size, usual_size;

	for (; option->level >= 0; option++) {
		size = usual_size = VALUE_MAX;
		if (getsockopt(fd, option->level, option->name, value, &size) ||
			getsockopt(fresh, option->level, option->name, usual,
				&usual_size))
			continue;
		if (size == usual_size && memcmp(value, usual, size) == 0)
			continue;
		more = more_add(arena, opts, option->level, option->name);
		more->value = (ProtobufCBinaryData){
			size, arena_copy(arena, value, size)};
	}
}

static int all_more_capture(struct arena *arena, int fd,
	const InetSkEntry *inet, struct inet_opts *opts, struct err *err)
{
	_cleanup_fd_ int fresh = socket((int)inet->family,
		(int)inet->type | SOCK_CLOEXEC, (int)inet->proto);

	if (fresh < 0)
		return err_errno(err, "making a socket to compare with");
	more_capture(arena, fd, fresh, more_of_all, opts);
	if (inet->family == AF_INET6)
		more_capture(arena, fd, fresh, more_of_ipv6, opts);
	more_capture(arena, fd, fresh,
		inet->proto == IPPROTO_TCP ? more_of_tcp : more_of_udp, opts);
	return devices_capture(arena, fd, opts, err);
}

static int more_restore(int fd, const struct inet_opts *opts, struct err *err)
{
	const StasisSocketOption *more;
	int code;

	for (size_t i = 0; i < opts->n_more; i++) {
		more = opts->more[i];
		code = more->device ? device_restore(fd, more, err) : 0;
		if (code)
			return code;
		if (!more->device &&
			setsockopt(fd, (int)more->level, (int)more->name,
				more->value.data, (socklen_t)more->value.len))
			return err_errno(err,
				"setting option %u of level %u of a socket",
				more->name, more->level);
	}
	return 0;
}

static int pktinfo_level(const InetSkEntry *socket, int *ret_name)
{
	*ret_name = socket->family == AF_INET6 ? IPV6_RECVPKTINFO : IP_PKTINFO;
	return socket->family == AF_INET6 ? SOL_IPV6 : SOL_IP;
}

static IpOptsEntry *ip_capture(
	struct arena *arena, int fd, const InetSkEntry *socket)
{
	IpOptsEntry *ip = arena_new1(arena, IpOptsEntry);
	uint32_t value;
	int name, level = pktinfo_level(socket, &name);

	ip_opts_entry__init(ip);
	sockopt_get(fd, SOL_IP, IP_FREEBIND, &value);
	ip->has_freebind = ip->freebind = value != 0;
	sockopt_get(fd, level, name, &value);
	ip->has_pktinfo = ip->pktinfo = value != 0;
	sockopt_get(fd, SOL_IP, IP_TOS, &ip->tos);
	ip->has_tos = ip->tos != 0;
	ip->has_ttl = sockopt_get(fd, SOL_IP, IP_TTL, &ip->ttl);
	return ip;
}

static int ip_restore(int fd, const InetSkEntry *socket, const IpOptsEntry *ip,
	struct err *err)
{
	int name, level = pktinfo_level(socket, &name), code = 0;

	if (ip->has_freebind)
		code = sockopt_set(fd, SOL_IP, IP_FREEBIND, ip->freebind, err);
	if (!code && ip->has_pktinfo)
		code = sockopt_set(fd, level, name, ip->pktinfo, err);
	if (!code && ip->has_tos)
		code = sockopt_set(fd, SOL_IP, IP_TOS, ip->tos, err);
	if (!code && ip->has_ttl)
		code = sockopt_set(fd, SOL_IP, IP_TTL, ip->ttl, err);
	return code;
}

static TcpOptsEntry *tcp_capture(struct arena *arena, int fd)
{
	TcpOptsEntry *tcp = arena_new1(arena, TcpOptsEntry);
	uint32_t value;

	tcp_opts_entry__init(tcp);
	sockopt_get(fd, SOL_TCP, TCP_CORK, &value);
	tcp->has_cork = tcp->cork = value != 0;
	sockopt_get(fd, SOL_TCP, TCP_NODELAY, &value);
	tcp->has_nodelay = tcp->nodelay = value != 0;
	tcp->has_keepcnt = sockopt_get(fd, SOL_TCP, TCP_KEEPCNT, &tcp->keepcnt);
	tcp->has_keepidle =
		sockopt_get(fd, SOL_TCP, TCP_KEEPIDLE, &tcp->keepidle);
	tcp->has_keepintvl =
		sockopt_get(fd, SOL_TCP, TCP_KEEPINTVL, &tcp->keepintvl);
	return tcp;
}

static int tcp_restore(int fd, const TcpOptsEntry *tcp, struct err *err)
{
	int code = 0;

	if (tcp->has_cork)
		code = sockopt_set(fd, SOL_TCP, TCP_CORK, tcp->cork, err);
	if (!code && tcp->has_nodelay)
		code = sockopt_set(fd, SOL_TCP, TCP_NODELAY, tcp->nodelay, err);
	if (!code && tcp->has_keepcnt)
		code = sockopt_set(fd, SOL_TCP, TCP_KEEPCNT, tcp->keepcnt, err);
	if (!code && tcp->has_keepidle)
		code = sockopt_set(
			fd, SOL_TCP, TCP_KEEPIDLE, tcp->keepidle, err);
	if (!code && tcp->has_keepintvl)
		code = sockopt_set(
			fd, SOL_TCP, TCP_KEEPINTVL, tcp->keepintvl, err);
	return code;
}

int inet_opts_capture(struct arena *arena, int fd, const InetSkEntry *inet,
	struct inet_opts *ret, struct err *err)
{
	struct inet_opts opts = {0};
	uint32_t value;
	int code;

	if (inet->family == AF_INET6) {
		sockopt_get(fd, SOL_IPV6, IPV6_V6ONLY, &value);
		opts.v6only = value != 0;
	}
	opts.ip = ip_capture(arena, fd, inet);
	if (inet->proto == IPPROTO_TCP)
		opts.tcp = tcp_capture(arena, fd);
	code = all_more_capture(arena, fd, inet, &opts, err);
	if (!code)
		*ret = opts;
	return code;
}

int inet_opts_restore(int fd, const InetSkEntry *inet,
	const struct inet_opts *opts, struct err *err)
{
	int code = 0;

	if (inet->family == AF_INET6)
		code = sockopt_set(
			fd, SOL_IPV6, IPV6_V6ONLY, opts->v6only, err);
	if (!code && opts->ip)
		code = ip_restore(fd, inet, opts->ip, err);
	if (!code && opts->tcp && inet->proto == IPPROTO_TCP)
		code = tcp_restore(fd, opts->tcp, err);
	if (!code)
		code = more_restore(fd, opts, err);
	return code;
}
