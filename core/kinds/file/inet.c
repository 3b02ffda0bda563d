/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inet: TCP sockets that listen or are not connected, and UDP sockets; IPv4
 * and IPv6. TCP connections are refused.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "kinds/file/lib/fown.h"
#include "kinds/file/lib/inet_bind.h"
#include "kinds/file/lib/inet_opts.h"
#include "kinds/file/lib/membership.h"
#include "kinds/table.h"
#include "model/dump.h"
#include "model/restore.h"

static bool inet_claims(const struct sighting *sighting)
{
	uint32_t family, type, protocol;

	if (sighting->fd_number < 0 || !S_ISSOCK(sighting->stat.st_mode) ||
		!sockopt_get(sighting->fd, SOL_SOCKET, SO_DOMAIN, &family) ||
		!sockopt_get(sighting->fd, SOL_SOCKET, SO_TYPE, &type) ||
		!sockopt_get(
			sighting->fd, SOL_SOCKET, SO_PROTOCOL, &protocol) ||
		(family != AF_INET && family != AF_INET6))
		return false;
	return (type == SOCK_STREAM && protocol == IPPROTO_TCP) ||
	       (type == SOCK_DGRAM && protocol == IPPROTO_UDP);
}

/* --- dump ---------------------------------------------------------------- */

static uint32_t *words_capture(
	struct arena *arena, const union inet_address *from, size_t *ret_n)
{
	if (from->any.sa_family == AF_INET6) {
		*ret_n = 4;
		return arena_copy(arena, &from->v6.sin6_addr, 16);
	}
	*ret_n = 1;
	return arena_copy(arena, &from->v4.sin_addr, 4);
}

static uint32_t port_of(const union inet_address *from)
{
	return ntohs(from->any.sa_family == AF_INET6 ? from->v6.sin6_port
						     : from->v4.sin_port);
}

static int scope_capture(struct arena *arena, const union inet_address *source,
	InetSkEntry *inet, struct err *err)
{
	char name[IFNAMSIZ];

	if (source->any.sa_family != AF_INET6 || !source->v6.sin6_scope_id)
		return 0;
	if (!if_indextoname(source->v6.sin6_scope_id, name))
		return err_errno(err, "looking for network device %u",
			source->v6.sin6_scope_id);
	inet->ifname = arena_strdup(arena, name);
	return 0;
}

static int addresses_capture(
	struct arena *arena, int fd, InetSkEntry *inet, struct err *err)
{
	union inet_address from = {0}, to = {0};
	socklen_t from_size = sizeof(from), to_size = sizeof(to);

	if (getsockname(fd, &from.any, &from_size))
		return err_errno(err, "asking for the address of a socket");
	if (getpeername(fd, &to.any, &to_size)) {
		if (errno != ENOTCONN)
			return err_errno(
				err, "asking for the peer of a socket");
		memset(&to, 0, sizeof(to));
		to.any.sa_family = from.any.sa_family;
	} else {
		inet->state = TCP_ESTABLISHED;
	}
	inet->src_port = port_of(&from);
	inet->dst_port = port_of(&to);
	inet->has_stasis_nonlocal = inet->stasis_nonlocal =
		inet_bind_nonlocal(&from);
	inet->src_addr = words_capture(arena, &from, &inet->n_src_addr);
	inet->dst_addr = words_capture(arena, &to, &inet->n_dst_addr);
	return scope_capture(arena, &from, inet, err);
}

static int connection_refuse(uint32_t state, struct err *err)
{
	static const char *const names[] = {
		[TCP_ESTABLISHED] = "is open",
		[TCP_SYN_SENT] = "is being opened",
		[TCP_SYN_RECV] = "is being opened",
	};
	const char *name =
		state < sizeof(names) / sizeof(*names) ? names[state] : NULL;

	err_set(err, EOPNOTSUPP, "it is a TCP connection that %s",
		name ? name : "is being closed, or was");
	return err_hint(err, "TCP connections are not built yet; dump when "
			     "none is open");
}

/* TCP_AO_INFO of 6.7; a socket without keys has none to tell. */
static bool has_ao_keys(int fd)
{
	enum { AO_INFO = 40 };
	uint64_t info[6] = {0}; /* struct tcp_ao_info_opt */
	socklen_t size = sizeof(info);

	return getsockopt(fd, SOL_TCP, AO_INFO, info, &size) == 0;
}

static const char signs_hint[] =
	"the kernel tells nobody the keys: close the socket before the "
	"checkpoint, and have the program open and sign it again";

static int signs_with_ao_refuse(struct err *err)
{
	err_set(err, EOPNOTSUPP,
		"it signs its TCP segments (TCP-AO), and the keys would be "
		"lost");
	return err_hint(err, signs_hint);
}

/* Keys can be given to a socket, but are never told again in a form that
 * could be given to another. */
static int signature_refuse(
	struct dump *dump, const InetSkEntry *inet, struct err *err)
{
	const struct sockdiag_inets *all;
	const struct sockdiag_inet *seen;
	int code = dump_sockets(dump, &all, err);

	if (code)
		return code;
	seen = sockdiag_find_inet(all, inet->ino);
	if (!seen || !seen->signs)
		return 0;
	err_set(err, EOPNOTSUPP,
		"it signs its TCP segments (TCP_MD5SIG), and the keys would be "
		"lost");
	return err_hint(err, signs_hint);
}

static int tcp_capture(
	struct dump *dump, int fd, InetSkEntry *inet, struct err *err)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN | POLLRDHUP};
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	if (getsockopt(fd, SOL_TCP, TCP_INFO, &info, &size) ||
		poll(&poller, 1, 0) < 0)
		return err_errno(err, "asking for the state of a TCP socket");
	inet->state = info.tcpi_state;
	if (has_ao_keys(fd))
		return signs_with_ao_refuse(err);
	if (inet->state == TCP_CLOSE) {
		/* One that never was connected has not been shut down. */
		return poller.revents & POLLRDHUP
			       ? connection_refuse(inet->state, err)
			       : 0;
	}
	if (inet->state != TCP_LISTEN)
		return connection_refuse(inet->state, err);
	/* Of a listener: how many wait, and how many may. */
	inet->backlog = info.tcpi_sacked;
	if (!info.tcpi_unacked)
		return signature_refuse(dump, inet, err);
	err_set(err, EOPNOTSUPP,
		"connections wait to be accepted (%u), and would be lost",
		info.tcpi_unacked);
	return err_hint(err, "dump at a moment when the program has accepted "
			     "them");
}

static int udp_refuse(int fd, struct err *err)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN | POLLRDHUP};
	uint32_t corked, encapsulates;

	sockopt_get(fd, SOL_UDP, UDP_CORK, &corked);
	sockopt_get(fd, SOL_UDP, UDP_ENCAP, &encapsulates);
	if (corked || encapsulates) {
		err_set(err, EOPNOTSUPP, "it is a UDP socket that %s",
			corked ? "is corked (UDP_CORK)"
			       : "belongs to a tunnel (UDP_ENCAP)");
		return err_hint(err,
			corked ? "dump at a moment when the program has sent "
				 "the datagram that it gathers"
			       : "close it before the checkpoint");
	}
	if (poll(&poller, 1, 0) < 0)
		return err_errno(err, "asking whether datagrams wait");
	if (poller.revents & POLLIN && !(poller.revents & POLLRDHUP)) {
		err_set(err, EOPNOTSUPP,
			"datagrams wait in it to be read, and would be lost");
		return err_hint(err, "dump at a moment when the program has "
				     "read them");
	}
	return 0;
}

static int udp_capture(struct dump *dump, const struct sighting *sighting,
	InetSkEntry *inet, struct err *err)
{
	const struct sockdiag_inets *all;
	const struct sockdiag_inet *seen;
	int code;

	if (inet->state != TCP_ESTABLISHED)
		inet->state = TCP_CLOSE;
	code = udp_refuse(sighting->fd, err);
	if (!code)
		code = membership_capture(dump, sighting->fd, inet->family,
			&inet->stasis_membership, &inet->n_stasis_membership,
			err);
	/* Only what is connected can be shut down. */
	if (code || inet->state == TCP_CLOSE)
		return code;
	code = dump_sockets(dump, &all, err);
	if (code)
		return code;
	seen = sockdiag_find_inet(all, inet->ino);
	inet->has_shutdown = seen && seen->shutdown;
	if (inet->has_shutdown)
		inet->shutdown = (SkShutdown)seen->shutdown;
	return 0;
}

static int options_capture(
	struct dump *dump, int fd, InetSkEntry *inet, struct err *err)
{
	struct inet_opts opts;
	int code;

	code = sockopts_capture(dump->arena, fd, &inet->opts, err);
	if (!code)
		code = inet_opts_capture(dump, fd, inet, &opts, err);
	if (code)
		return code;
	inet->has_v6only = inet->family == AF_INET6;
	inet->v6only = opts.v6only;
	inet->ip_opts = opts.ip;
	inet->tcp_opts = opts.tcp;
	inet->n_stasis_option = opts.more.n;
	inet->stasis_option = opts.more.at;
	return 0;
}

static int inet_capture(struct dump *dump, const struct sighting *sighting,
	void *msg, struct err *err)
{
	InetSkEntry *inet = arena_new1(dump->arena, InetSkEntry);
	FileEntry *entry = msg;
	int fd = sighting->fd, code;

	inet_sk_entry__init(inet);
	entry->type = FD_TYPES__INETSK;
	entry->isk = inet;
	inet->id = entry->id;
	inet->ino = (uint32_t)sighting->stat.st_ino;
	inet->stasis_owner = sighting->stat.st_uid;
	inet->has_stasis_owner = inet->stasis_owner != 0;
	inet->flags = sighting->info.flags & ~(uint32_t)O_CLOEXEC;
	if (!sockopt_get(fd, SOL_SOCKET, SO_DOMAIN, &inet->family) ||
		!sockopt_get(fd, SOL_SOCKET, SO_TYPE, &inet->type) ||
		!sockopt_get(fd, SOL_SOCKET, SO_PROTOCOL, &inet->proto))
		return err_errno(err, "asking what sort of socket it is");
	code = addresses_capture(dump->arena, fd, inet, err);
	if (!code)
		code = inet->proto == IPPROTO_TCP
			       ? tcp_capture(dump, fd, inet, err)
			       : udp_capture(dump, sighting, inet, err);
	if (!code)
		code = options_capture(dump, fd, inet, err);
	return code ? code : fown_capture(dump, sighting, &inet->fown, err);
}

/* --- restore ------------------------------------------------------------- */

static int address_restore(const InetSkEntry *inet, const uint32_t *words,
	size_t n, uint32_t port, union inet_address *ret, struct err *err)
{
	if (n != (inet->family == AF_INET6 ? 4 : 1) || port > UINT16_MAX)
		return err_set(err, EBADMSG,
			"its address in the image is damaged: %zu words and "
			"port %u of an %s socket",
			n, port, inet->family == AF_INET6 ? "IPv6" : "IPv4");
	memset(ret, 0, sizeof(*ret));
	ret->any.sa_family = (sa_family_t)inet->family;
	if (inet->family == AF_INET) {
		memcpy(&ret->v4.sin_addr, words, 4);
		ret->v4.sin_port = htons((uint16_t)port);
		return 0;
	}
	memcpy(&ret->v6.sin6_addr, words, 16);
	ret->v6.sin6_port = htons((uint16_t)port);
	if (inet->ifname) {
		ret->v6.sin6_scope_id = if_nametoindex(inet->ifname);
		if (!ret->v6.sin6_scope_id)
			return err_errno(err, "looking for network device %s",
				inet->ifname);
	}
	return 0;
}

static bool is_nonlocal(const InetSkEntry *inet)
{
	return inet->has_stasis_nonlocal && inet->stasis_nonlocal;
}

static int options_restore(int fd, const InetSkEntry *inet, struct err *err)
{
	const struct inet_opts opts = {
		.v6only = inet->has_v6only && inet->v6only,
		.ip = inet->ip_opts,
		.tcp = inet->tcp_opts,
		.more = {inet->stasis_option, inet->n_stasis_option},
	};
	int code = sockopts_restore(fd, inet->opts, err);

	if (!code)
		code = inet_opts_restore(fd, inet, &opts, err);
	/* IP_TOS has changed it. */
	if (!code && inet->opts->has_so_priority)
		code = sockopt_set(fd, SOL_SOCKET, SO_PRIORITY,
			inet->opts->so_priority, err);
	return code;
}

static int peer_connect(int fd, const InetSkEntry *inet, struct err *err)
{
	union inet_address to;
	char text[64];
	int code;

	code = address_restore(inet, inet->dst_addr, inet->n_dst_addr,
		inet->dst_port, &to, err);
	if (code)
		return code;
	if (connect(fd, &to.any, inet_address_size(inet)))
		return err_errno(err, "connecting a UDP socket to %s port %u",
			inet_address_text(inet, inet->dst_addr, text),
			inet->dst_port);
	if (inet->has_shutdown && inet->shutdown != SK_SHUTDOWN__NONE &&
		shutdown(fd, (int)((unsigned)inet->shutdown - 1)))
		return err_errno(err, "shutting down a UDP socket");
	return 0;
}

static int socket_bind(struct restore *restore, int fd, const InetSkEntry *inet,
	struct err *err)
{
	union inet_address from;
	int code = address_restore(inet, inet->src_addr, inet->n_src_addr,
		inet->src_port, &from, err);

	return code ? code
		    : inet_bind(
			      restore, fd, inet, &from, is_nonlocal(inet), err);
}

static int tcp_place(struct restore *restore, int fd, const InetSkEntry *inet,
	struct err *err)
{
	int code;

	if (inet->state != TCP_LISTEN && inet->state != TCP_CLOSE)
		return connection_refuse(inet->state, err);
	code = socket_bind(restore, fd, inet, err);
	if (!code && inet->state == TCP_LISTEN &&
		listen(fd, (int)inet->backlog))
		code = err_errno(
			err, "listening on TCP port %u", inet->src_port);
	return code;
}

static int udp_place(struct restore *restore, int fd, const InetSkEntry *inet,
	struct err *err)
{
	int code = socket_bind(restore, fd, inet, err);

	if (!code)
		code = membership_restore(fd, inet, err);
	if (!code && inet->state == TCP_ESTABLISHED)
		code = peer_connect(fd, inet, err);
	return code;
}

static int inet_check(const struct object *object, struct err *err)
{
	const InetSkEntry *inet = object->entry->isk;

	if (!inet->opts)
		return err_set(err, EBADMSG,
			"the image has no options for this socket");
	if ((inet->family != AF_INET && inet->family != AF_INET6) ||
		(inet->proto != IPPROTO_TCP && inet->proto != IPPROTO_UDP))
		return err_set(err, EOPNOTSUPP,
			"it is an internet socket that is neither TCP nor UDP "
			"(family %u, protocol %u), which cannot be restored "
			"yet",
			inet->family, inet->proto);
	return 0;
}

/* Sockets of one port may depend on the order in which they come to it. */
static int inet_plan(
	const struct plan_view *view, struct object *object, struct err *err)
{
	(void)err;
	object_share(view, object, object->entry->isk->src_port, 0);
	return 0;
}

static int inet_make(struct restore *restore, struct object *object,
	int *ret_fd, struct err *err)
{
	const InetSkEntry *inet = object->entry->isk;
	_cleanup_fd_ int fd = -1;
	int code = inet_check(object, err);

	if (code)
		return code;
	fd = socket((int)inet->family, (int)inet->type | SOCK_CLOEXEC,
		(int)inet->proto);
	if (fd < 0)
		return err_errno(err, "making a socket");
	code = options_restore(fd, inet, err);
	if (!code)
		code = inet->proto == IPPROTO_TCP
			       ? tcp_place(restore, fd, inet, err)
			       : udp_place(restore, fd, inet, err);
	if (!code)
		code = fown_flags_set(fd, inet->flags, err);
	if (!code)
		*ret_fd = fd_take(&fd);
	return code;
}

static int inet_key(struct restore *restore, const struct object *object,
	struct object_key *ret, struct err *err)
{
	int code = inet_check(object, err);

	if (code)
		return code;
	ret->name = arena_printf(
		restore->arena, "socket:[%u]", object->entry->isk->ino);
	ret->flags = O_RDWR;
	return 0;
}

static int inet_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const InetSkEntry *inet = object->entry->isk;

	(void)err;
	if (holder->first && !object->given)
		inet_bind_emit(tape, inet, is_nonlocal(inet), holder);
	fown_emit(tape, holder, inet->fown, inet->flags);
	return 0;
}

const struct kind kind_inet = {
	.name = "internet socket",
	.scope = SCOPE_FILE,
	.tag = FD_TYPES__INETSK,
	.schema = &inet_sk_entry__descriptor,
	.claims = inet_claims,
	.capture = inet_capture,
	.key = inet_key,
	.plan = inet_plan,
	.make = inet_make,
	.emit = inet_emit,
};
