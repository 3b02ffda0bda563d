/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/procfs.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
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
	char link[32], path[PATH_MAX];
	const char *rest;
	struct statfs fs;
	struct stat stat;
	ssize_t n;

	if (fstatfs(fd, &fs) || fs.f_type != PROC_SUPER_MAGIC)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0 || path[0] != '/' || fstat(fd, &stat))
		return true;
	path[n] = '\0';
	rest = root_find(path, stat.st_dev);
	return !rest || (rest[0] == '/' && rest[1] >= '0' && rest[1] <= '9');
}
