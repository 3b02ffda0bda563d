/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * multicast: the groups that anybody of this network namespace is in.
 *
 * From /proc/net/igmp and igmp6. Whose sockets they are nothing tells: ask
 * each socket about each group (MCAST_MSFILTER, ip(7)).
 */
#ifndef STASIS_KERNEL_MULTICAST_H
#define STASIS_KERNEL_MULTICAST_H

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct multicast_group {
	int family; /* AF_INET, AF_INET6 */
	uint32_t ifindex;
	char ifname[IFNAMSIZ];
	uint8_t address[16]; /* 4 or 16 bytes, network order */
};
struct multicast_groups {
	struct multicast_group *at;
	size_t n, room;
};

/* A family that the kernel lacks has no groups. */
int multicast_list(
	struct arena *arena, struct multicast_groups *ret, struct err *err);

/* The same from texts as the two files have them. */
void multicast_scan_v4(
	struct arena *arena, const char *text, struct multicast_groups *groups);
void multicast_scan_v6(
	struct arena *arena, const char *text, struct multicast_groups *groups);

#endif
