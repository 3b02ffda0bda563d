/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probes of sockets and of what netlink knows. */
#include "check/probes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/net_namespace.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"

enum {
	OPTION_BUF_LOCK = 72,	  /* SO_BUF_LOCK, 5.15 */
	OPTION_V6_FREEBIND = 78,  /* IPV6_FREEBIND, 4.15 */
	IOCTL_UNIX_FILE = 0x89e0, /* SIOCUNIXFILE, 4.11 */
	LINK_NEW_IFINDEX = 49,	  /* IFLA_NEW_IFINDEX, 5.13 */
	LINK_TARGET_NETNSID = 46, /* IFLA_TARGET_NETNSID, 4.17 */
};

/* A request with room for a body and one attribute. */
struct letter {
	struct nlmsghdr head;
	char rest[200];
};

static void letter_add(struct letter *l, const void *bytes, size_t size)
{
	memcpy((char *)l + NLMSG_ALIGN(l->head.nlmsg_len), bytes, size);
	l->head.nlmsg_len = NLMSG_ALIGN(l->head.nlmsg_len) + (unsigned int)size;
}

static struct letter letter_new(
	uint16_t type, uint16_t flags, const void *body, size_t size)
{
	struct letter l = {.head = {.nlmsg_len = NLMSG_LENGTH(0),
				   .nlmsg_type = type,
				   .nlmsg_flags = NLM_F_REQUEST | flags}};

	letter_add(&l, body, size);
	return l;
}

static void letter_add_u32(struct letter *l, uint16_t type, uint32_t value)
{
	struct {
		struct nlattr head;
		uint32_t value;
	} attr = {{sizeof(attr), type}, value};

	letter_add(l, &attr, sizeof(attr));
}

/* The first answer: its type, and in *ret_code 0 or -errno. -1: none. */
static int letter_ask(int protocol, const struct letter *l, int *ret_code)
{
	_cleanup_fd_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	struct timeval patience = {.tv_sec = 2};
	_Alignas(struct nlmsghdr) char answer[8192];
	const struct nlmsghdr *head = (const void *)answer;
	ssize_t got;

	*ret_code = 0;
	if (fd < 0 || send(fd, l, l->head.nlmsg_len, 0) < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	got = recv(fd, answer, sizeof(answer), 0);
	if (got < (ssize_t)sizeof(*head))
		return -1;
	if (head->nlmsg_type == NLMSG_ERROR || head->nlmsg_type == NLMSG_DONE)
		if (head->nlmsg_len >= NLMSG_LENGTH(sizeof(int)))
			memcpy(ret_code, NLMSG_DATA(head), sizeof(int));
	return head->nlmsg_type;
}

/* A connection to ourselves whose one direction is closed. */
static bool half_closed_repairs(int listener, int fd)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t size = sizeof(at);
	int one = 1;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) ||
		listen(listener, 1) ||
		getsockname(listener, (struct sockaddr *)&at, &size) ||
		connect(fd, (struct sockaddr *)&at, sizeof(at)) ||
		shutdown(fd, SHUT_WR))
		return false;
	return !setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &one, sizeof(one));
}

bool probe_tcp_half_closed(void)
{
	_cleanup_fd_ int a = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_fd_ int b = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return a >= 0 && b >= 0 && half_closed_repairs(a, b);
}

bool probe_sk_ns(void)
{
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	_cleanup_fd_ int net = -1;

	if (fd >= 0)
		net = ioctl(fd, SIOCGSKNS);
	return net >= 0;
}

/* A socket without a name has no file: ENOENT tells that it was looked for. */
bool probe_sk_unix_file(void)
{
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	_cleanup_fd_ int file = -1;

	if (fd < 0)
		return false;
	file = ioctl(fd, IOCTL_UNIX_FILE);
	return file >= 0 || errno == ENOENT;
}

bool probe_net_diag_raw(void)
{
	struct inet_diag_req_v2 body = {.sdiag_family = AF_INET,
		.sdiag_protocol = IPPROTO_RAW,
		.idiag_states = ~0u};
	struct letter l = letter_new(
		SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &body, sizeof(body));
	int code;

	return letter_ask(NETLINK_SOCK_DIAG, &l, &code) >= 0 && !code;
}

bool probe_nsid(void)
{
	_cleanup_fd_ int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct rtgenmsg body = {.rtgen_family = AF_UNSPEC};
	struct letter l = letter_new(RTM_GETNSID, 0, &body, sizeof(body));
	int code;

	if (net < 0)
		return false;
	letter_add_u32(&l, NETNSA_FD, (uint32_t)net);
	return letter_ask(NETLINK_ROUTE, &l, &code) == RTM_NEWNSID;
}

/* There is no namespace 1 << 20: a kernel that looks for it says EINVAL. */
bool probe_link_nsid(void)
{
	struct ifinfomsg body = {.ifi_family = AF_UNSPEC, .ifi_index = 1};
	struct letter l = letter_new(RTM_GETLINK, 0, &body, sizeof(body));
	int code;

	letter_add_u32(&l, LINK_TARGET_NETNSID, 1 << 20);
	return letter_ask(NETLINK_ROUTE, &l, &code) == NLMSG_ERROR &&
	       code == -EINVAL;
}

/* An index below 1 is out of range for those who know the attribute, and
 * there is no link to change for the others. */
bool probe_newifindex(void)
{
	struct ifinfomsg body = {.ifi_family = AF_UNSPEC, .ifi_index = -1};
	struct letter l =
		letter_new(RTM_SETLINK, NLM_F_ACK, &body, sizeof(body));
	int code;

	letter_add_u32(&l, LINK_NEW_IFINDEX, UINT32_MAX);
	return letter_ask(NETLINK_ROUTE, &l, &code) == NLMSG_ERROR &&
	       code == -ERANGE;
}

bool probe_nftables(void)
{
	struct nfgenmsg body = {.nfgen_family = AF_UNSPEC};
	struct letter l = letter_new(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN,
		0, &body, sizeof(body));
	int code;

	return letter_ask(NETLINK_NETFILTER, &l, &code) ==
	       (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN);
}

bool probe_ipt_legacy(void)
{
	return !access("/proc/self/net/ip_tables_names", F_OK);
}

bool probe_sockopt_buf_lock(void)
{
	_cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(int);
	int lock;

	return fd >= 0 &&
	       !getsockopt(fd, SOL_SOCKET, OPTION_BUF_LOCK, &lock, &size);
}

bool probe_ipv6_freebind(void)
{
	_cleanup_fd_ int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	return fd >= 0 && !setsockopt(fd, IPPROTO_IPV6, OPTION_V6_FREEBIND,
				  &one, sizeof(one));
}
