/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/procfs.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* PROC_ROOT_INO of include/linux/proc_ns.h, the same since 2.6.24. */
enum { ROOT_INO = 1 };

/* The end of the part of path that leads to the root of its procfs. */
static const char *root_find(char *path, dev_t dev)
{
	char *slash = path, kept;
	struct stat stat;
	int failed;

	while ((slash = strchr(slash + 1, '/')) || (slash = strchr(path, 0))) {
		kept = *slash;
		*slash = '\0';
		failed = lstat(path, &stat);
		*slash = kept;
		if (failed)
			return NULL;
		if (stat.st_dev == dev && stat.st_ino == ROOT_INO)
			return slash;
		if (!kept)
			return NULL;
	}
	return NULL;
}

bool procfs_is_of_process(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) &&
	       procfs_type_is_of_process(fd, (uint32_t)fs.f_type);
}

bool procfs_type_is_of_process(int fd, uint32_t fs_type)
{
	char link[32], path[PATH_MAX];
	const char *rest;
	struct stat stat;
	ssize_t n;

	if (fs_type != PROC_SUPER_MAGIC)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0 || path[0] != '/' || fstat(fd, &stat))
		return true;
	path[n] = '\0';
	rest = root_find(path, stat.st_dev);
	return !rest || (rest[0] == '/' && rest[1] >= '0' && rest[1] <= '9');
}

pid_t procfs_self(int root)
{
	char link[16];
	struct statfs fs;
	ssize_t n;

	if (fstatfs(root, &fs) || fs.f_type != PROC_SUPER_MAGIC)
		return 0;
	n = readlinkat(root, "self", link, sizeof(link) - 1);
	if (n <= 0)
		return 0;
	link[n] = '\0';
	return (pid_t)strtol(link, NULL, 10);
}

/* The part of a path that is a number; what follows it in *text. */
static pid_t number_read(const char **text)
{
	char *end;
	unsigned long number;

	if (**text < '1' || **text > '9')
		return 0;
	number = strtoul(*text, &end, 10);
	if (number > INT_MAX || (*end && *end != '/'))
		return 0;
	*text = *end ? end + 1 : end;
	return (pid_t)number;
}

static bool parts_are_plain(const char *path)
{
	size_t size;

	for (; *path; path += size + (path[size] == '/')) {
		size = strcspn(path, "/");
		if (!size || (size == 1 && path[0] == '.') ||
			(size == 2 && path[0] == '.' && path[1] == '.'))
			return false;
	}
	return true;
}

bool procfs_name_read(const char *name, struct procfs_name *ret)
{
	struct procfs_name got = {0};
	const char *rest, *below;

	if (strncmp(name, "/proc/", 6) != 0)
		return false;
	rest = name + 6;
	got.pid = number_read(&rest);
	if (!got.pid || !parts_are_plain(rest))
		return false;
	if (strncmp(rest, "task/", 5) == 0) {
		below = rest + 5;
		got.tid = number_read(&below);
		rest = got.tid ? below : rest;
	}
	got.rest = rest;
	*ret = got;
	return true;
}

bool procfs_name_is_public(const struct procfs_name *name)
{
	static const char *const names[] = {"", "stat", "status", "statm",
		"cmdline", "comm", "cgroup", "cpuset", "limits", "mounts",
		"mountinfo", "oom_score", "oom_score_adj", "oom_adj",
		"loginuid", "sessionid", "sched", "schedstat", "wchan",
		"autogroup", "setgroups", "uid_map", "gid_map", "projid_map",
		"timerslack_ns", "coredump_filter", "arch_status",
		"cpu_resctrl_groups", "children", "task", "net"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name->rest, names[i]) == 0)
			return true;
	return strncmp(name->rest, "net/", 4) == 0;
}
