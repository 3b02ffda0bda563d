/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "kernel/procfs.h"

/* As many as the kernel follows (MAXSYMLINKS of include/linux/namei.h). */
enum { LINKS_MAX = 40 };

static int root_open(const struct restore *restore, const char *path, int flags,
	unsigned mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
	};
	long fd;

	/* A rename or mount elsewhere in the tree makes it start again. */
	do {
		fd = syscall(
			SYS_openat2, restore->root, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	return fd < 0 ? -errno : (int)fd;
}

/* What a link says, put between what was walked and what is left to walk. */
static int link_follow(int fd, const struct stat *stat, char *walked,
	const char *left, char *ret_left)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);

	/* A magic link says a name, but leads elsewhere. */
	if (stat->st_uid != 0 || procfs_is_of_process(fd))
		return -ELOOP;
	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (target[0] == '/')
		walked[0] = '\0';
	if (snprintf(ret_left, PATH_MAX, "%s/%s", target, left) >= PATH_MAX)
		return -ENAMETOOLONG;
	return 0;
}

/* One name further. walked holds no links, so ".." is its last name gone. */
static int name_walk(const struct restore *restore, char *walked,
	const char *name, const char *left, char *ret_left)
{
	size_t size = strlen(walked);
	_cleanup_fd_ int fd = -1;
	struct stat stat;

	strcpy(ret_left, left);
	if (!strcmp(name, "."))
		return 0;
	if (!strcmp(name, "..")) {
		*(strrchr(walked, '/') ?: walked) = '\0';
		return 0;
	}
	if (size + strlen(name) + 2 > PATH_MAX)
		return -ENAMETOOLONG;
	sprintf(walked + size, "/%s", name);
	fd = root_open(
		restore, walked, O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		return fd;
	if (fstat(fd, &stat))
		return -errno;
	if (!S_ISLNK(stat.st_mode))
		return 0;
	walked[size] = '\0';
	return link_follow(fd, &stat, walked, left, ret_left) ?: 1;
}

/* The path without its links, all of which must be user 0's. last: also the
 * one at its end is followed. */
static int links_resolve(const struct restore *restore, const char *path,
	bool last, char *ret_walked)
{
	char left[PATH_MAX], rest[PATH_MAX], name[NAME_MAX + 1];
	int links = 0, code;
	size_t size, skip;

	ret_walked[0] = '\0';
	if (snprintf(left, sizeof(left), "%s", path) >= PATH_MAX)
		return -ENAMETOOLONG;
	for (;;) {
		skip = strspn(left, "/");
		size = strcspn(left + skip, "/");
		if (!size)
			return 0;
		if (size > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, left + skip, size);
		name[size] = '\0';
		strcpy(rest, left + skip + size);
		if (!last && !rest[strspn(rest, "/")]) {
			strcat(strcat(ret_walked, "/"), name);
			return 0;
		}
		code = name_walk(restore, ret_walked, name, rest, left);
		links += code > 0;
		if (code < 0 || links > LINKS_MAX)
			return code < 0 ? code : -ELOOP;
	}
}

int restore_open(const struct restore *restore, const char *path, int flags,
	unsigned mode)
{
	char walked[2 * PATH_MAX];
	int fd, code;

	/* Elsewhere his rights are all that he gets. */
	if (geteuid() != 0)
		return root_open(restore, path, flags, mode, 0);
	fd = root_open(restore, path, flags, mode, RESOLVE_NO_SYMLINKS);
	if (fd != -ELOOP)
		return fd;
	code = links_resolve(restore, path, !(flags & O_NOFOLLOW), walked);
	return code
		       ?: root_open(restore, walked[0] ? walked : "/", flags,
				  mode, RESOLVE_NO_SYMLINKS);
}
