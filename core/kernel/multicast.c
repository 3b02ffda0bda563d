/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/multicast.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/io.h"
#include "base/vec.h"
#include "kernel/scan.h"

/* "2  eth0 ", up to a blank or a colon. */
static bool scan_device(const char **at, struct multicast_group *group)
{
	uint64_t index;
	size_t size;

	if (!scan_next_u64(at, 10, &index))
		return false;
	scan_blanks(at);
	size = strcspn(*at, " \t:\n");
	if (!size || size >= sizeof(group->ifname))
		return false;
	memset(group->ifname, 0, sizeof(group->ifname));
	memcpy(group->ifname, *at, size);
	group->ifindex = (uint32_t)index;
	*at += size;
	return true;
}

/* A line for each device, and indented below it one for each group: the
 * four bytes of the address as a number of this machine's byte order. */
void multicast_scan_v4(
	struct arena *arena, const char *text, struct multicast_groups *groups)
{
	struct multicast_group group = {.family = AF_INET};
	const char *at = scan_line_next(text);
	uint64_t address;
	uint32_t word;

	for (; *at; at = scan_line_next(at)) {
		if (*at != '\t') {
			scan_device(&at, &group);
			continue;
		}
		if (!scan_next_u64(&at, 16, &address))
			continue;
		word = (uint32_t)address;
		memcpy(group.address, &word, sizeof(word));
		*vec_push(arena, groups) = group;
	}
}

static bool scan_address(const char **at, uint8_t ret[16])
{
	const char *hex;

	scan_blanks(at);
	hex = *at;
	for (int i = 0; i < 32; i++)
		if (scan_digit(hex[i]) > 15)
			return false;
	for (int i = 0; i < 16; i++)
		ret[i] = (uint8_t)(scan_digit(hex[2 * i]) << 4 |
				   scan_digit(hex[2 * i + 1]));
	return true;
}

void multicast_scan_v6(
	struct arena *arena, const char *text, struct multicast_groups *groups)
{
	struct multicast_group group = {.family = AF_INET6};

	for (const char *at = text; *at; at = scan_line_next(at))
		if (scan_device(&at, &group) &&
			scan_address(&at, group.address))
			*vec_push(arena, groups) = group;
}

int multicast_list(
	struct arena *arena, struct multicast_groups *ret, struct err *err)
{
	static const struct {
		const char *path;
		void (*scan)(struct arena *, const char *,
			struct multicast_groups *);
	} files[] = {
		{"/proc/thread-self/net/igmp", multicast_scan_v4},
		{"/proc/thread-self/net/igmp6", multicast_scan_v6},
	};
	struct multicast_groups groups = {0};
	size_t size;
	char *text;
	int code;

	for (size_t i = 0; i < 2; i++) {
		code = io_read_file(
			arena, AT_FDCWD, files[i].path, &text, &size);
		if (code && code != -ENOENT)
			return err_code(err, code, "reading %s", files[i].path);
		if (!code)
			files[i].scan(arena, text, &groups);
	}
	*ret = groups;
	return 0;
}
