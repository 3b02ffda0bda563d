/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/inet_opts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "kinds/file/lib/sockopt_table.h"

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
		sockopt_more_add(
			arena, &opts->more, option->level, option->name)
			->device = arena_strdup(arena, name);
	}
	return 0;
}

static int device_restore(
	int fd, const StasisSocketOption *more, struct err *err)
{
	uint32_t index = if_nametoindex(more->device);
	char text[48];

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
		"%s of a socket is a network device in the image, and takes "
		"none",
		sockopt_label((int)more->level, (int)more->name, text));
}

/* What differs from a new socket. */
static int more_capture(struct dump *dump, int fd, const InetSkEntry *inet,
	struct inet_opts *opts, struct err *err)
{
	const int levels[] = {SOL_SOCKET, SOL_IP,
		inet->proto == IPPROTO_TCP ? SOL_TCP : SOL_UDP, SOL_IPV6};
	/* Of IPv4 sockets the format has it. */
	static const struct sockopt_name pktinfo = {SOL_IP, IP_PKTINFO};
	const struct sockopt_look look = {.family = (int)inet->family,
		.type = (int)inet->type,
		.protocol = (int)inet->proto,
		.levels = levels,
		.n_levels = inet->family == AF_INET6 ? 4 : 3,
		.skip = &pktinfo,
		.n_skip = inet->family == AF_INET};

	return sockopt_more_capture(dump, fd, &look, &opts->more, err)
		       ?: devices_capture(dump->arena, fd, opts, err);
}

static int more_restore(int fd, const struct inet_opts *opts, struct err *err)
{
	int code = 0;

	for (size_t i = 0; i < opts->more.n && !code; i++)
		code = opts->more.at[i]->device
			       ? device_restore(fd, opts->more.at[i], err)
			       : sockopt_more_restore(
					 fd, opts->more.at[i], err);
	return code;
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

int inet_opts_capture(struct dump *dump, int fd, const InetSkEntry *inet,
	struct inet_opts *ret, struct err *err)
{
	struct arena *arena = dump->arena;
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
	code = more_capture(dump, fd, inet, &opts, err);
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
