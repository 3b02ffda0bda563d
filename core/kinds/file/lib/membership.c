/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/membership.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "kernel/multicast.h"

enum { SOURCES_MAX = 512 };

/* struct group_filter of netinet/in.h, with room for sources. */
struct filter {
	uint32_t interface;
	struct sockaddr_storage group;
	uint32_t mode, n;
	struct sockaddr_storage source[SOURCES_MAX];
};

static socklen_t filter_size(uint32_t n)
{
	return (socklen_t)GROUP_FILTER_SIZE(n);
}

static int level_of(int family)
{
	return family == AF_INET6 ? SOL_IPV6 : SOL_IP;
}

static size_t address_size(int family)
{
	return family == AF_INET6 ? 16 : 4;
}

static void *address_at(struct sockaddr_storage *from)
{
	return from->ss_family == AF_INET6
		       ? (void *)&((struct sockaddr_in6 *)from)->sin6_addr
		       : (void *)&((struct sockaddr_in *)from)->sin_addr;
}

static void address_set(
	struct sockaddr_storage *ret, int family, const void *bytes)
{
	memset(ret, 0, sizeof(*ret));
	ret->ss_family = (sa_family_t)family;
	memcpy(address_at(ret), bytes, address_size(family));
}

static ProtobufCBinaryData address_copy(
	struct arena *arena, struct sockaddr_storage *from)
{
	size_t size = address_size(from->ss_family);

	return (ProtobufCBinaryData){
		size, arena_copy(arena, address_at(from), size)};
}

static StasisMembership *membership_of(struct arena *arena,
	const struct multicast_group *group, struct filter *filter)
{
	StasisMembership *ret = arena_new1(arena, StasisMembership);

	stasis_membership__init(ret);
	ret->ifname = arena_strdup(arena, group->ifname);
	ret->group = address_copy(arena, &filter->group);
	ret->include = filter->mode == MCAST_INCLUDE;
	ret->source = arena_newn(arena, ProtobufCBinaryData, filter->n + 1);
	for (; ret->n_source < filter->n; ret->n_source++)
		ret->source[ret->n_source] =
			address_copy(arena, &filter->source[ret->n_source]);
	return ret;
}

/* *ret is NULL if the socket is not in that group. */
static int group_capture(struct arena *arena, int fd,
	const struct multicast_group *group, StasisMembership **ret,
	struct err *err)
{
	socklen_t size = filter_size(SOURCES_MAX);
	struct filter filter; /* big: what is not asked is not cleared */

	filter.interface = group->ifindex;
	filter.mode = MCAST_EXCLUDE;
	filter.n = SOURCES_MAX;
	address_set(&filter.group, group->family, group->address);
	*ret = NULL;
	if (getsockopt(fd, level_of(group->family), MCAST_MSFILTER, &filter,
		    &size)) {
		if (errno == EADDRNOTAVAIL || errno == ENODEV)
			return 0;
		return err_errno(err, "asking a socket for its multicast "
				      "groups");
	}
	if (filter.n > SOURCES_MAX)
		return err_set(err, E2BIG,
			"a socket names %u sources of a multicast group; more "
			"than %d are not built",
			filter.n, SOURCES_MAX);
	*ret = membership_of(arena, group, &filter);
	return 0;
}

/* Listed once: whoever can be dumped is in its groups already. */
static int groups_find(
	struct dump *dump, const struct multicast_groups **ret, struct err *err)
{
	void **known =
		book_slot(dump->arena, &dump->book, "multicast groups", 0, 0);
	struct multicast_groups *groups = *known;
	int code = 0;

	if (!groups) {
		groups = arena_new1(dump->arena, struct multicast_groups);
		code = multicast_list(dump->arena, groups, err);
	}
	if (!code)
		*ret = *known = groups;
	return code;
}

int membership_capture(struct dump *dump, int fd, uint32_t family,
	StasisMembership ***ret_at, size_t *ret_n, struct err *err)
{
	const struct multicast_groups *groups;
	struct arena *arena = dump->arena;
	StasisMembership *one, **all;
	size_t n = 0;
	int code = groups_find(dump, &groups, err);

	if (code)
		return code;
	all = arena_newn(arena, StasisMembership *, groups->n + 1);
	for (size_t i = 0; i < groups->n && !code; i++) {
		/* An IPv6 socket may be in groups of both. */
		if (family == AF_INET && groups->at[i].family != AF_INET)
			continue;
		code = group_capture(arena, fd, &groups->at[i], &one, err);
		if (!code && one)
			all[n++] = one;
	}
	*ret_at = all;
	*ret_n = n;
	return code;
}

static int membership_check(
	const StasisMembership *from, int *ret_family, struct err *err)
{
	size_t size = from->group.len;
	bool good = (size == 4 || size == 16) && from->n_source <= SOURCES_MAX;

	for (size_t i = 0; i < from->n_source && good; i++)
		good = from->source[i].len == size;
	if (!good)
		return err_set(
			err, EBADMSG, "a multicast group without an address");
	*ret_family = size == 16 ? AF_INET6 : AF_INET;
	return 0;
}

static int sources_restore(int fd, const StasisMembership *from,
	struct filter *filter, struct err *err)
{
	int family = filter->group.ss_family;

	if (!from->include && !from->n_source)
		return 0;
	filter->mode = from->include ? MCAST_INCLUDE : MCAST_EXCLUDE;
	filter->n = (uint32_t)from->n_source;
	for (size_t i = 0; i < from->n_source; i++)
		address_set(&filter->source[i], family, from->source[i].data);
	if (setsockopt(fd, level_of(family), MCAST_MSFILTER, filter,
		    filter_size(filter->n)))
		return err_errno(err, "choosing the sources of a multicast "
				      "group");
	return 0;
}

static int group_restore(int fd, const StasisMembership *from, struct err *err)
{
	struct group_req join = {.gr_interface = if_nametoindex(from->ifname)};
	struct filter filter = {.interface = join.gr_interface};
	char text[INET6_ADDRSTRLEN] = "?";
	int family = AF_UNSPEC, code;

	code = membership_check(from, &family, err);
	if (code)
		return code;
	if (!join.gr_interface) {
		err_errno(err, "looking for network device %s", from->ifname);
		return err_hint(err, "a socket listens to a multicast group "
				     "there; this host needs a device of that "
				     "name");
	}
	address_set(&join.gr_group, family, from->group.data);
	filter.group = join.gr_group;
	inet_ntop(family, from->group.data, text, sizeof(text));
	if (setsockopt(fd, level_of(family), MCAST_JOIN_GROUP, &join,
		    sizeof(join)))
		return err_errno(err, "joining multicast group %s on %s", text,
			from->ifname);
	return sources_restore(fd, from, &filter, err);
}

int membership_restore(int fd, const InetSkEntry *inet, struct err *err)
{
	int code = 0;

	for (size_t i = 0; i < inet->n_stasis_membership && !code; i++)
		code = group_restore(fd, inet->stasis_membership[i], err);
	return code;
}
