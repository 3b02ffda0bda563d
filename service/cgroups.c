/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/cgroups.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/io.h"

/* "4:memory:/user/a": the second and the third part. */
struct membership {
	const char *controllers; /* "" in version 2 */
	const char *path;
};

static bool membership_read(
	struct arena *arena, const char *line, struct membership *ret)
{
	char *copy = arena_strdup(arena, line);
	char *controllers = strchr(copy, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!path)
		return false;
	*path = '\0';
	*ret = (struct membership){controllers + 1, path + 1};
	return true;
}

/* Is each of the words, "cpu,cpuacct", one of the others? */
static bool words_are_among(const char *words, const char *all)
{
	size_t length, other;
	const char *at;
	bool found;

	for (; *words; words += length + (words[length] == ',')) {
		length = strcspn(words, ",");
		found = false;
		for (at = all; *at && !found;
			at += other + (at[other] == ',')) {
			other = strcspn(at, ",");
			found = other == length && !strncmp(at, words, length);
		}
		if (!found)
			return false;
	}
	return true;
}

/* The fields of a line of mountinfo that matter, each a word of its own. */
struct mount_line {
	const char *root, *place, *type, *options;
};

static bool mount_read(
	struct arena *arena, const char *line, struct mount_line *ret)
{
	char *copy = arena_strdup(arena, line), *word;
	const char *words[3] = {0};
	struct mount_line mount = {0};
	bool behind = false;
	int n = 0;

	for (; (word = strsep(&copy, " ")); n++) {
		if (!behind && n == 3)
			mount.root = word;
		if (!behind && n == 4)
			mount.place = word;
		if (behind && n < 3)
			words[n] = word;
		if (!behind && !strcmp(word, "-")) {
			behind = true;
			n = -1;
		}
	}
	mount.type = words[0];
	mount.options = words[2];
	*ret = mount;
	return mount.root && mount.place && mount.type && mount.options;
}

/* What lies below the root that is mounted there; NULL: nothing of it. */
static const char *path_below(const char *path, const char *root)
{
	size_t length = strcmp(root, "/") ? strlen(root) : 0;

	if (strncmp(path, root, length) ||
		(path[length] && path[length] != '/'))
		return NULL;
	return path + length;
}

const char *cgroups_place(
	struct arena *arena, const char *line, const char *mount)
{
	struct membership member;
	struct mount_line at;
	const char *below;

	if (!membership_read(arena, line, &member) ||
		!mount_read(arena, mount, &at))
		return NULL;
	if (!*member.controllers ? strcmp(at.type, "cgroup2") != 0
				 : strcmp(at.type, "cgroup") != 0 ||
					   !words_are_among(member.controllers,
						   at.options))
		return NULL;
	/* Above what this process can see of the hierarchy. */
	if (!strncmp(member.path, "/..", 3))
		return NULL;
	below = path_below(member.path, at.root);
	return below ? arena_printf(arena, "%s%s", at.place, below) : NULL;
}

static const char *place_find(
	struct arena *arena, const char *line, const char *mounts)
{
	char *all = arena_strdup(arena, mounts), *mount;
	const char *place = NULL;

	while (!place && (mount = strsep(&all, "\n")))
		if (*mount)
			place = cgroups_place(arena, line, mount);
	return place;
}

static int line_follow(struct arena *arena, const char *line,
	const char *mounts, struct err *err)
{
	const char *place = place_find(arena, line, mounts);
	int code = -ENOENT;

	if (place)
		code = io_write_text(AT_FDCWD,
			arena_printf(arena, "%s/cgroup.procs", place), "0");
	return code ? err_code(err, code, "joining the client's cgroup '%s'",
			      line)
		    : 0;
}

/* A line of the one text that is none of the other. */
static bool line_is_in(const char *line, const char *text)
{
	size_t length = strlen(line);

	for (; text; text = strchr(text, '\n'), text += text != NULL)
		if (!strncmp(text, line, length) &&
			(text[length] == '\n' || !text[length]))
			return true;
	return false;
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
		if (*line && !line_is_in(line, ours))
			code = line_follow(arena, line, mounts, err);
	return code;
}
