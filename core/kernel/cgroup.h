/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cgroup: what /proc/PID/cgroup says, and the folders that it means. */
#ifndef STASIS_KERNEL_CGROUP_H
#define STASIS_KERNEL_CGROUP_H

#include <stdbool.h>

#include "base/arena.h"

/* "4:memory:/user/a": the second and the third part. */
struct cgroup_member {
	const char *controllers; /* "" in version 2 */
	const char *path;
};

/* Pure; false: it is no such line. */
bool cgroup_member_read(
	struct arena *arena, const char *line, struct cgroup_member *ret);

/* Pure: one line of /proc/PID/cgroup, "4:memory:/user", and one of mountinfo.
 * The folder of the cgroup, if that is where its hierarchy is mounted;
 * NULL: it is not, or shows another part of it. */
const char *cgroup_place(
	struct arena *arena, const char *line, const char *mount);
/* The same, and all of mountinfo. */
const char *cgroup_folder(
	struct arena *arena, const char *line, const char *mounts);

/* Pure: does such a text name that cgroup? */
bool cgroup_has_member(const char *text, const struct cgroup_member *member);

/* Pure: is that one of the lines of a text? */
bool cgroup_has_line(const char *line, const char *text);

#endif
