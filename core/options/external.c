/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --external: by its first letters a resource tells of which sort it is. */
#include "options/rows.h"

#include <errno.h>
#include <string.h>

struct resource {
	const char *begin;
	const char *belongs; /* not built yet: to what; NULL: built */
};

static const struct resource resources[] = {
	{"pipe:[", NULL},
	{"file[", NULL},
	{"unix[", NULL},
	{"mnt[", "mount namespaces"},
	{"dev[", "mount namespaces"},
	{"tty[", "terminals"},
	{"net[", "network namespaces"},
	{"veth[", "network namespaces"},
	{"macvlan[", "network namespaces"},
	{"netdev[", "network namespaces"},
	{"pid[", "pid namespaces"},
	{NULL, NULL},
};

/* "pipe:[77]" as a link in /proc/PID/fd says it, "unix[77]", "file[1c:2af]"
 * with the numbers of the mount and the inode in hexadecimal. */
static bool resource_is_whole(const char *value)
{
	bool pipe = value[0] != 'f'; /* or unix: an inode */
	const char *digits = pipe ? "0123456789" : "0123456789abcdef";
	const char *at = strchr(value, '[') + 1;
	size_t n = strspn(at, digits);

	if (!pipe && n && at[n] == ':') {
		at += n + 1;
		n = strspn(at, digits);
	} else if (!pipe) {
		return false;
	}
	return n && !strcmp(at + n, "]");
}

int option_read_external(struct arena *arena, const struct option_row *row,
	const char *value, struct options *ret, struct err *err)
{
	const struct resource *r = resources;

	(void)row;
	while (r->begin && strncmp(value, r->begin, strlen(r->begin)))
		r++;
	if (r->belongs) {
		err_set(err, ENOSYS,
			"the external resource '%s' is not built yet: it "
			"belongs to %s",
			value, r->belongs);
		return err_hint(err, "leave it out if the tasks do not need "
				     "it; they are refused, not harmed, if "
				     "they do");
	}
	if (!r->begin || !resource_is_whole(value)) {
		err_set(err, EINVAL, "'%s' is no external resource", value);
		return err_hint(err, "known are pipe:[INODE], unix[INODE] and "
				     "file[MOUNT:INODE], the last with "
				     "hexadecimal numbers");
	}
	*vec_push(arena, &ret->external) = value;
	return 0;
}
