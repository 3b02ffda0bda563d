/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/sockdiag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/vec.h"

/* One question to the kernel and where its answers go. */
struct sockdiag_dump {
	struct arena *arena;
	int protocol;
	int code; /* errno that the kernel answered */
	struct sockdiag_inets inets;
	struct sockdiag_unixes unixes;
};

static void sockdiag_close(struct nl_sock **sock)
{
	nl_socket_free(*sock);
}

/* The attribute's bytes when it has at least size of them. */
static const void *attr_bytes(struct nlattr **attrs, int type, int size)
{
	return attrs[type] && nla_len(attrs[type]) >= size
		       ? nla_data(attrs[type])
		       : NULL;
}

static int sockdiag_take_inet(struct nl_msg *nl, void *into)
{
	struct sockdiag_dump *dump = into;
	struct nlmsghdr *head = nlmsg_hdr(nl);
	struct nlattr *attrs[INET_DIAG_MAX + 1];
	const struct inet_diag_msg *msg = nlmsg_data(head);
	struct sockdiag_inet *inet;
	const uint8_t *byte;

	if (nlmsg_parse(head, sizeof(*msg), attrs, INET_DIAG_MAX, NULL))
		return NL_SKIP;
	inet = vec_push(dump->arena, &dump->inets);
	inet->ino = msg->idiag_inode;
	inet->family = msg->idiag_family;
	inet->protocol = (uint8_t)dump->protocol;
	inet->state = msg->idiag_state;
	inet->src_port = ntohs(msg->id.idiag_sport);
	inet->dst_port = ntohs(msg->id.idiag_dport);
	memcpy(inet->src, msg->id.idiag_src, sizeof(inet->src));
	memcpy(inet->dst, msg->id.idiag_dst, sizeof(inet->dst));
	inet->ifindex = msg->id.idiag_if;
	inet->rqueue = msg->idiag_rqueue;
	inet->wqueue = msg->idiag_wqueue;
	inet->uid = msg->idiag_uid;
	inet->cookie = msg->id.idiag_cookie[0] |
		       (uint64_t)msg->id.idiag_cookie[1] << 32;
	byte = attr_bytes(attrs, INET_DIAG_SHUTDOWN, 1);
	inet->shutdown = byte ? *byte : 0;
	byte = attr_bytes(attrs, INET_DIAG_SKV6ONLY, 1);
	inet->v6only = byte && *byte;
	inet->signs = attrs[INET_DIAG_MD5SIG] != NULL;
	return NL_OK;
}

static void unix_take_attrs(
	struct arena *arena, struct nlattr **attrs, struct sockdiag_unix *sock)
{
	const struct unix_diag_vfs *vfs =
		attr_bytes(attrs, UNIX_DIAG_VFS, sizeof(*vfs));
	const struct unix_diag_rqlen *queue =
		attr_bytes(attrs, UNIX_DIAG_RQLEN, sizeof(*queue));
	const uint32_t *peer = attr_bytes(attrs, UNIX_DIAG_PEER, 4);
	const uint32_t *uid = attr_bytes(attrs, UNIX_DIAG_UID, 4);
	const uint8_t *shut = attr_bytes(attrs, UNIX_DIAG_SHUTDOWN, 1);
	struct nlattr *name = attrs[UNIX_DIAG_NAME];
	struct nlattr *icons = attrs[UNIX_DIAG_ICONS];

	if (name) {
		sock->name_size = (size_t)nla_len(name);
		sock->name = arena_copy(arena, nla_data(name), sock->name_size);
	}
	if (icons) {
		sock->icons_n = (size_t)nla_len(icons) / sizeof(uint32_t);
		sock->icons = arena_copy(arena, nla_data(icons),
			sock->icons_n * sizeof(uint32_t));
	}
	sock->vfs_dev = vfs ? vfs->udiag_vfs_dev : 0;
	sock->vfs_ino = vfs ? vfs->udiag_vfs_ino : 0;
	sock->rqueue = queue ? queue->udiag_rqueue : 0;
	sock->wqueue = queue ? queue->udiag_wqueue : 0;
	sock->peer = peer ? *peer : 0;
	sock->uid = uid ? *uid : 0;
	sock->shutdown = shut ? *shut : 0;
}

static int sockdiag_take_unix(struct nl_msg *nl, void *into)
{
	struct sockdiag_dump *dump = into;
	struct nlmsghdr *head = nlmsg_hdr(nl);
	struct nlattr *attrs[UNIX_DIAG_MAX + 1];
	const struct unix_diag_msg *msg = nlmsg_data(head);
	struct sockdiag_unix *sock;

	if (nlmsg_parse(head, sizeof(*msg), attrs, UNIX_DIAG_MAX, NULL))
		return NL_SKIP;
	sock = vec_push(dump->arena, &dump->unixes);
	sock->ino = msg->udiag_ino;
	sock->type = msg->udiag_type;
	sock->state = msg->udiag_state;
	unix_take_attrs(dump->arena, attrs, sock);
	return NL_OK;
}

static int sockdiag_take_error(
	struct sockaddr_nl *from, struct nlmsgerr *error, void *into)
{
	struct sockdiag_dump *dump = into;

	(void)from;
	dump->code = -error->error;
	return NL_STOP;
}

/* One whole dump. -EAGAIN: sockets came or went meanwhile. */
static int sockdiag_ask_once(struct sockdiag_dump *dump, void *request,
	size_t size, nl_recvmsg_msg_cb_t take)
{
	__attribute__((cleanup(sockdiag_close))) struct nl_sock *sock =
		nl_socket_alloc();
	int r;

	if (!sock)
		return -ENOMEM;
	dump->code = 0;
	dump->inets.n = 0;
	dump->unixes.n = 0;
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, take, dump);
	nl_socket_modify_err_cb(sock, NL_CB_CUSTOM, sockdiag_take_error, dump);
	errno = 0;
	r = nl_connect(sock, NETLINK_SOCK_DIAG);
	if (r)
		return errno ? -errno : -EPROTONOSUPPORT;
	r = nl_send_simple(
		sock, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, request, size);
	if (r >= 0)
		r = nl_recvmsgs_default(sock);
	if (r >= 0 && !dump->code)
		return 0;
	if (r == -NLE_DUMP_INTR)
		return -EAGAIN;
	return dump->code ? -dump->code : -EIO;
}

static int sockdiag_ask(struct sockdiag_dump *dump, void *request, size_t size,
	nl_recvmsg_msg_cb_t take)
{
	int r = -EAGAIN;

	for (int tries = 0; tries < 5 && r == -EAGAIN; tries++)
		r = sockdiag_ask_once(dump, request, size, take);
	return r;
}

static int inet_order(const void *one, const void *other)
{
	const struct sockdiag_inet *a = one, *b = other;

	return (a->ino > b->ino) - (a->ino < b->ino);
}

static int unix_order(const void *one, const void *other)
{
	const struct sockdiag_unix *a = one, *b = other;

	return (a->ino > b->ino) - (a->ino < b->ino);
}

int sockdiag_collect_inet(struct arena *arena, int protocol, uint32_t states,
	struct sockdiag_inets *ret, struct err *err)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct sockdiag_inets inets = {0};

	for (size_t i = 0; i < sizeof(families); i++) {
		struct sockdiag_dump dump = {
			.arena = arena, .protocol = protocol};
		struct inet_diag_req_v2 request = {
			.sdiag_family = families[i],
			.sdiag_protocol = (uint8_t)protocol,
			/* INFO brings the keys, too */
			.idiag_ext = 1 << (INET_DIAG_SHUTDOWN - 1) |
				     1 << (INET_DIAG_INFO - 1),
			.idiag_states = states,
		};
		int r = sockdiag_ask(
			&dump, &request, sizeof(request), sockdiag_take_inet);

		/* No such protocol or family here, so no such sockets. */
		if (r && r != -ENOENT && r != -EINVAL)
			return err_code(err, r,
				"asking for the %s sockets of %s (sock_diag)",
				protocol == IPPROTO_TCP ? "TCP" : "UDP",
				i ? "IPv6" : "IPv4");
		for (size_t k = 0; !r && k < dump.inets.n; k++)
			*vec_push(arena, &inets) = dump.inets.at[k];
	}
	if (inets.n)
		qsort(inets.at, inets.n, sizeof(*inets.at), inet_order);
	*ret = inets;
	return 0;
}

int sockdiag_collect_unix(
	struct arena *arena, struct sockdiag_unixes *ret, struct err *err)
{
	struct sockdiag_dump dump = {.arena = arena};
	struct unix_diag_req request = {
		.sdiag_family = AF_UNIX,
		.udiag_states = UINT32_MAX,
		.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS |
			      UDIAG_SHOW_PEER | UDIAG_SHOW_ICONS |
			      UDIAG_SHOW_RQLEN | UDIAG_SHOW_UID,
	};
	int r = sockdiag_ask(
		&dump, &request, sizeof(request), sockdiag_take_unix);

	if (r)
		return err_code(
			err, r, "asking for the unix sockets (sock_diag)");
	if (dump.unixes.n)
		qsort(dump.unixes.at, dump.unixes.n, sizeof(*dump.unixes.at),
			unix_order);
	*ret = dump.unixes;
	return 0;
}

const struct sockdiag_inet *sockdiag_find_inet(
	const struct sockdiag_inets *inets, uint32_t ino)
{
	const struct sockdiag_inet key = {.ino = ino};

	return inets->n ? bsearch(&key, inets->at, inets->n, sizeof(*inets->at),
				  inet_order)
			: NULL;
}

const struct sockdiag_unix *sockdiag_find_unix(
	const struct sockdiag_unixes *unixes, uint32_t ino)
{
	const struct sockdiag_unix key = {.ino = ino};

	return unixes->n ? bsearch(&key, unixes->at, unixes->n,
				   sizeof(*unixes->at), unix_order)
			 : NULL;
}
