/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/cgroups.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "kernel/cgroup.h"

static int line_follow(struct arena *arena, const char *line,
	const char *mounts, struct err *err)
{
	const char *place = cgroup_folder(arena, line, mounts);
	int code = -ENOENT;

	if (place)
		code = io_write_text(AT_FDCWD,
			arena_printf(arena, "%s/cgroup.procs", place), "0");
	return code ? err_code(err, code, "joining the client's cgroup '%s'",
			      line)
		    : 0;
}

int cgroups_follow(
	struct arena *arena, const struct proc *other, struct err *err)
{
	char *his, *ours, *mounts, *line;
	int code;

	code = io_read_file(arena, AT_FDCWD, "/proc/self/cgroup", &ours, NULL);
	if (code == -ENOENT) /* a kernel without them */
		return 0;
	if (code)
		return err_code(err, code, "reading our own cgroups");
	code = proc_read_file(arena, other, 0, "cgroup", &his, NULL, err);
	if (code)
		return code;
	code = io_read_file(
		arena, AT_FDCWD, "/proc/self/mountinfo", &mounts, NULL);
	if (code)
		return err_code(err, code, "reading where cgroups are mounted");
	while (!code && (line = strsep(&his, "\n")))
		if (*line && !cgroup_has_line(line, ours))
			code = line_follow(arena, line, mounts, err);
	return code;
}
