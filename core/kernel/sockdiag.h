/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockdiag: the sockets of the current network namespace, by inode.
 *
 * Asked once for a namespace (enter it with setns first) and kept sorted by
 * inode. What sock_diag says is of the moment: freeze the tree first.
 */
#ifndef STASIS_KERNEL_SOCKDIAG_H
#define STASIS_KERNEL_SOCKDIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct sockdiag_inet {
	uint32_t ino;	  /* 0: not accepted yet, or closed but still there */
	uint8_t family;	  /* AF_INET, AF_INET6 */
	uint8_t protocol; /* IPPROTO_* */
	uint8_t state;	  /* TCP_LISTEN, TCP_ESTABLISHED, ... */
	uint8_t shutdown; /* 1 receive, 2 send; 3 both */
	bool v6only;
	bool signs; /* has TCP MD5 keys; needs CAP_NET_ADMIN to be seen */
	uint16_t src_port, dst_port; /* host order */
	uint8_t src[16], dst[16];    /* 4 or 16 bytes, network order */
	uint32_t ifindex;
	/* listening: waiting connections and backlog; else bytes unread and
	 * bytes unacknowledged */
	uint32_t rqueue, wqueue;
	uint32_t uid;
	uint64_t cookie;
};
struct sockdiag_inets {
	struct sockdiag_inet *at;
	size_t n, room;
};

struct sockdiag_unix {
	uint32_t ino;
	uint8_t type;  /* SOCK_STREAM, ... */
	uint8_t state; /* TCP_ESTABLISHED 1, TCP_CLOSE 7, TCP_LISTEN 10 */
	uint8_t shutdown;
	const uint8_t *name;	 /* sun_path; [0] is 0 for abstract ones */
	size_t name_size;	 /* 0: not bound */
	uint32_t vfs_dev;	 /* of the bound file; kernel form */
	uint32_t vfs_ino;	 /* 0: none */
	uint32_t peer;		 /* its inode; 0: none */
	const uint32_t *icons;	 /* of connections that wait in a listener */
	size_t icons_n;		 /* a 0: the peer has closed meanwhile */
	uint32_t rqueue, wqueue; /* as above: listening, or bytes */
	uint32_t uid;
};
struct sockdiag_unixes {
	struct sockdiag_unix *at;
	size_t n, room;
};

/* protocol IPPROTO_TCP, UDP, UDPLITE; states: 1 << TCP_LISTEN | ..., UINT32_MAX
 * for all. Both families. A protocol that the kernel lacks has no sockets. */
int sockdiag_collect_inet(struct arena *arena, int protocol, uint32_t states,
	struct sockdiag_inets *ret, struct err *err);
int sockdiag_collect_unix(
	struct arena *arena, struct sockdiag_unixes *ret, struct err *err);

/* NULL: none of that inode. */
const struct sockdiag_inet *sockdiag_find_inet(
	const struct sockdiag_inets *inets, uint32_t ino);
const struct sockdiag_unix *sockdiag_find_unix(
	const struct sockdiag_unixes *unixes, uint32_t ino);

#endif
