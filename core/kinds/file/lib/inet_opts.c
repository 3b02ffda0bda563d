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

#include "base/fd.h"
#include "kinds/file/lib/sockopt_table.h"

/* An extension header of IPv6 is the longest. */
enum { VALUE_MAX = 2048, NUMBERED_TIMESTAMPS = 1 << 7 };

/* What a new socket says, in the order of asking. */
struct usual {
	int level, name;
	int size; /* negative: -errno */
	const void *value;
};
typedef VEC(struct usual) usual_vec;

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

/* Its size; -errno: it is not told. */
static int option_get(int fd, int level, int name, void *ret)
{
	socklen_t size = VALUE_MAX;

	return getsockopt(fd, level, name, ret, &size) ? -errno : (int)size;
}

static void level_ask(struct arena *arena, int fresh, int level, usual_vec *ret)
{
	uint8_t value[VALUE_MAX];
	enum sockopt_sort sort;
	struct usual *usual;
	int size;

	for (int name = 0; name < SOCKOPT_NAMES; name++) {
		sort = sockopt_sort(level, name);
		if (sort != SOCKOPT_KEEP && sort != SOCKOPT_UNKNOWN)
			continue;
		size = option_get(fresh, level, name, value);
		if (size == -ENOPROTOOPT)
			continue;
		usual = vec_push(arena, ret);
		*usual = (struct usual){level, name, size,
			arena_copy(arena, value, size > 0 ? (size_t)size : 0)};
	}
}

static int usual_ask(struct arena *arena, const InetSkEntry *inet,
	usual_vec *ret, struct err *err)
{
	_cleanup_fd_ int fresh = socket((int)inet->family,
		(int)inet->type | SOCK_CLOEXEC, (int)inet->proto);

	if (fresh < 0)
		return err_errno(err, "making a socket to compare with");
	level_ask(arena, fresh, SOL_SOCKET, ret);
	level_ask(arena, fresh, SOL_IP, ret);
	if (inet->family == AF_INET6)
		level_ask(arena, fresh, SOL_IPV6, ret);
	level_ask(arena, fresh, inet->proto == IPPROTO_TCP ? SOL_TCP : SOL_UDP,
		ret);
	return 0;
}

/* Asked once of each sort of sockets. */
static int usual_find(struct dump *dump, const InetSkEntry *inet,
	const usual_vec **ret, struct err *err)
{
	void **known = book_slot(dump->arena, &dump->book, "usual options",
		inet->family, inet->proto);
	usual_vec *usual = *known;
	int code = 0;

	if (!usual) {
		usual = arena_new1(dump->arena, usual_vec);
		code = usual_ask(dump->arena, inet, usual, err);
		if (code)
			return code;
		*known = usual;
	}
	*ret = usual;
	return 0;
}

static int option_refuse(const struct usual *usual, struct err *err)
{
	char text[48];

	err_set(err, EOPNOTSUPP,
		"it is a socket with %s, which cannot be given to another one",
		sockopt_label(usual->level, usual->name, text));
	return err_hint(err, "undo that, or close the socket before the "
			     "checkpoint");
}

/* They would begin at 0 again. */
static bool numbers_timestamps(
	const struct usual *usual, const uint8_t *value, int size)
{
	uint32_t flags = 0;

	if (usual->level != SOL_SOCKET ||
		(usual->name != SO_TIMESTAMPING_OLD &&
			usual->name != SO_TIMESTAMPING_NEW))
		return false;
	memcpy(&flags, value, (size_t)size < 4 ? (size_t)size : 4);
	return flags & NUMBERED_TIMESTAMPS;
}

static int numbers_refuse(struct err *err)
{
	err_set(err, EOPNOTSUPP,
		"it numbers its timestamps (SOF_TIMESTAMPING_OPT_ID), and the "
		"count would be lost");
	return err_hint(err, "have the program turn that off "
			     "(SO_TIMESTAMPING) before the checkpoint");
}

static int option_capture(struct arena *arena, int fd,
	const struct usual *usual, struct inet_opts *opts, struct err *err)
{
	uint8_t value[VALUE_MAX];
	int size = option_get(fd, usual->level, usual->name, value);
	StasisSocketOption *more;

	if (size < 0 || (size == usual->size &&
				memcmp(value, usual->value, (size_t)size) == 0))
		return 0;
	if (sockopt_sort(usual->level, usual->name) != SOCKOPT_KEEP)
		return option_refuse(usual, err);
	if (numbers_timestamps(usual, value, size))
		return numbers_refuse(err);
	more = more_add(arena, opts, usual->level, usual->name);
	more->value = (ProtobufCBinaryData){
		(size_t)size, arena_copy(arena, value, (size_t)size)};
	return 0;
}

/* Of IPv4 sockets the format has it. */
static bool format_has(const InetSkEntry *inet, const struct usual *usual)
{
	return inet->family == AF_INET && usual->level == SOL_IP &&
	       usual->name == IP_PKTINFO;
}

/* What differs from a new socket. */
static int more_capture(struct dump *dump, int fd, const InetSkEntry *inet,
	struct inet_opts *opts, struct err *err)
{
	const usual_vec *usual;
	int code = usual_find(dump, inet, &usual, err);

	for (size_t i = 0; !code && i < usual->n; i++)
		if (!format_has(inet, &usual->at[i]))
			code = option_capture(
				dump->arena, fd, &usual->at[i], opts, err);
	return code ? code : devices_capture(dump->arena, fd, opts, err);
}

/* An image could ask for anything, as for rules of netfilter. */
static int option_restore(
	int fd, const StasisSocketOption *more, struct err *err)
{
	int level = (int)more->level, name = (int)more->name;
	char text[48];

	if (sockopt_sort(level, name) != SOCKOPT_KEEP)
		return err_set(err, EBADMSG,
			"the image sets %s of a socket, which no restore does",
			sockopt_label(level, name, text));
	if (setsockopt(fd, level, name, more->value.data,
		    (socklen_t)more->value.len))
		return err_errno(err, "setting %s of a socket",
			sockopt_label(level, name, text));
	return 0;
}

static int more_restore(int fd, const struct inet_opts *opts, struct err *err)
{
	int code = 0;

	for (size_t i = 0; i < opts->n_more && !code; i++)
		code = opts->more[i]->device
			       ? device_restore(fd, opts->more[i], err)
			       : option_restore(fd, opts->more[i], err);
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
