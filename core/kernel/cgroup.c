/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/cgroup.h"

#include <string.h>

bool cgroup_member_read(
	struct arena *arena, const char *line, struct cgroup_member *ret)
{
	char *copy = arena_strdup(arena, line);
	char *controllers = strchr(copy, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!path)
		return false;
	*path = '\0';
	*ret = (struct cgroup_member){controllers + 1, path + 1};
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

const char *cgroup_place(
	struct arena *arena, const char *line, const char *mount)
{
	struct cgroup_member member;
	struct mount_line at;
	const char *below;

	if (!cgroup_member_read(arena, line, &member) ||
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

const char *cgroup_folder(
	struct arena *arena, const char *line, const char *mounts)
{
	char *all = arena_strdup(arena, mounts), *mount;
	const char *place = NULL;

	while (!place && (mount = strsep(&all, "\n")))
		if (*mount)
			place = cgroup_place(arena, line, mount);
	return place;
}

bool cgroup_has_line(const char *line, const char *text)
{
	size_t length = strlen(line);

	for (; text; text = strchr(text, '\n'), text += text != NULL)
		if (!strncmp(text, line, length) &&
			(text[length] == '\n' || !text[length]))
			return true;
	return false;
}

bool cgroup_has_member(const char *text, const struct cgroup_member *member)
{
	size_t names = strlen(member->controllers);
	size_t path = strlen(member->path);
	const char *at;

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		at = strchr(text, ':');
		if (!at)
			return false;
		if (!strncmp(++at, member->controllers, names) &&
			at[names] == ':' &&
			!strncmp(at + names + 1, member->path, path) &&
			(at[names + 1 + path] == '\n' || !at[names + 1 + path]))
			return true;
	}
	return false;
}
