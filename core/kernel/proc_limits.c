/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/PID/limits: a line of titles, then one for each resource: its name in
 * a column of 26, soft limit, hard limit, unit (fs/proc/base.c). */
#include <errno.h>
#include <string.h>

#include "kernel/proc.h"
#include "kernel/scan.h"

enum { NAME_WIDTH = 26 };

static bool limit_take(const char **at, uint64_t *ret)
{
	scan_blanks(at);
	if (scan_mark(at, "unlimited")) {
		*ret = UINT64_MAX;
		return true;
	}
	return scan_u64(at, 10, ret);
}

int proc_limits_parse(
	const char *text, struct proc_limit *ret, size_t n, struct err *err)
{
	const char *line = scan_line_next(text), *at;
	struct proc_limit limit;
	size_t found = 0;

	for (; *line; line = scan_line_next(line), found++) {
		if (found == n || strcspn(line, "\n") < NAME_WIDTH)
			break;
		at = line + NAME_WIDTH;
		if (!limit_take(&at, &limit.cur) ||
			!limit_take(&at, &limit.max))
			break;
		ret[found] = limit;
	}
	if (found == n && !*line)
		return 0;
	return err_set(err, EINVAL,
		"the text of limits has not %zu resources, or an odd line "
		"'%.*s'",
		n, (int)strcspn(line, "\n"), line);
}

int proc_limits_read(const struct proc *proc, struct proc_limit *ret, size_t n,
	struct err *err)
{
	char text[4096];
	int code = proc_read_small(
		proc, 0, "limits", text, sizeof(text), NULL, err);

	if (!code)
		code = proc_limits_parse(text, ret, n, err);
	return code;
}
