/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/fd.h"

/* As many as the kernel follows (MAXSYMLINKS of include/linux/namei.h). */
enum { LINKS_MAX = 40 };
/* Of a name that is made up. */
#define PREFIX ".stasis-"
static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
enum { LETTERS = 8, NEW_TRIES = 4, NEW_DIR = 01700 };
_Static_assert(sizeof(PREFIX) + LETTERS == PLACE_NAME, "room for a name");

/* A path without links, and what of the given one is not walked yet. */
struct walk {
	int dir;
	uint64_t resolve;
	int links;
	bool magic; /* ends in a link that the kernel makes up */
	char done[PATH_MAX], left[PATH_MAX], name[NAME_MAX + 1];
};

static int open_once(
	int dir, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = resolve,
	};
	long fd;

	/* A rename or mount elsewhere in the tree makes it start again. */
	do {
		fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	return fd < 0 ? -errno : (int)fd;
}

/* done holds no links, so ".." is its last name gone, if it has one. */
static int name_up(struct walk *walk)
{
	char *slash = strrchr(walk->done, '/');
	const char *last = slash ? slash + 1 : walk->done;

	if (!strcmp(walk->done, "/"))
		return 0;
	if (*last && strcmp(last, "..") != 0) {
		walk->done[slash == walk->done ? 1 : last - walk->done] = '\0';
		if (slash && slash != walk->done)
			*slash = '\0';
		return 0;
	}
	/* Above where we began; a root of its own has nothing above. */
	if (walk->resolve & RESOLVE_IN_ROOT)
		return 0;
	if (strlen(walk->done) + 4 > PATH_MAX)
		return -ENAMETOOLONG;
	strcat(walk->done, *last ? "/.." : "..");
	return 0;
}

static int name_append(struct walk *walk)
{
	size_t size = strlen(walk->done);
	bool slash = size && walk->done[size - 1] != '/';

	if (size + slash + strlen(walk->name) + 1 > PATH_MAX)
		return -ENAMETOOLONG;
	sprintf(walk->done + size, "%s%s", slash ? "/" : "", walk->name);
	return 0;
}

static bool owner_is_trusted(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

/* done ends in a link: what that says takes its place. */
static int link_follow(struct walk *walk, int fd, size_t before)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);
	_cleanup_fd_ int end = -1;

	if (n < 0)
		return -errno;
	target[n] = '\0';
	/* A magic link says a name, and leads elsewhere. */
	end = open_once(walk->dir, walk->done, O_PATH, 0,
		walk->resolve | RESOLVE_NO_MAGICLINKS);
	if (end == -ELOOP) {
		walk->magic = true;
		return walk->left[0] || walk->resolve & RESOLVE_NO_MAGICLINKS
			       ? -ELOOP
			       : 0;
	}
	walk->done[before] = '\0';
	if (target[0] == '/')
		strcpy(walk->done, "/");
	strcpy(rest, walk->left);
	if (snprintf(walk->left, PATH_MAX, "%s/%s", target, rest) >= PATH_MAX)
		return -ENAMETOOLONG;
	return ++walk->links > LINKS_MAX ? -ELOOP : 0;
}

static int name_walk(struct walk *walk)
{
	size_t before = strlen(walk->done);
	_cleanup_fd_ int fd = -1;
	struct stat stat;
	int code;

	if (!strcmp(walk->name, "."))
		return 0;
	if (!strcmp(walk->name, ".."))
		return name_up(walk);
	code = name_append(walk);
	if (code)
		return code;
	fd = open_once(walk->dir, walk->done, O_PATH | O_NOFOLLOW, 0,
		walk->resolve | RESOLVE_NO_SYMLINKS);
	/* What is to be made is not there. */
	if (fd == -ENOENT && !walk->left[0])
		return 0;
	if (fd < 0)
		return fd;
	if (fstat(fd, &stat))
		return -errno;
	if (!S_ISLNK(stat.st_mode))
		return 0;
	return owner_is_trusted(stat.st_uid) ? link_follow(walk, fd, before)
					     : -ELOOP;
}

/* One name of what is left; its slashes go with it. False: none is left. */
static int name_take(struct walk *walk)
{
	size_t skip = strspn(walk->left, "/");
	size_t size = strcspn(walk->left + skip, "/");
	char *end = walk->left + skip + size;

	if (size > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(walk->name, walk->left + skip, size);
	walk->name[size] = '\0';
	end += strspn(end, "/");
	memmove(walk->left, end, strlen(end) + 1);
	return size > 0;
}

/* last: the link at the end is followed, too. */
static int links_resolve(struct walk *walk, const char *path, bool last)
{
	int code = 0;

	if (snprintf(walk->left, PATH_MAX, "%s", path) >= PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(walk->done, path[0] == '/' ? "/" : "");
	while (!code && !walk->magic) {
		code = name_take(walk);
		if (code <= 0)
			return code;
		code = !last && !walk->left[0] ? name_append(walk)
					       : name_walk(walk);
	}
	return code;
}

int place_open(
	int dir, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct walk walk = {.dir = dir, .resolve = resolve};
	int fd, code;

	fd = open_once(dir, path, flags, mode, resolve | RESOLVE_NO_SYMLINKS);
	if (fd != -ELOOP)
		return fd;
	code = links_resolve(&walk, path, !(flags & O_NOFOLLOW));
	if (code)
		return code;
	if (!walk.magic)
		resolve |= RESOLVE_NO_SYMLINKS;
	return open_once(
		dir, walk.done[0] ? walk.done : ".", flags, mode, resolve);
}

int place_open_folder(int dir, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/'),
		   *name = slash ? slash + 1 : path;
	char folder[PATH_MAX] = ".";
	int fd;

	if (!name[0] || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EISDIR;
	if (name - path >= PATH_MAX)
		return -ENAMETOOLONG;
	if (slash) {
		memcpy(folder, path, (size_t)(name - path));
		folder[name - path] = '\0';
	}
	fd = place_open(dir, folder, O_PATH | O_DIRECTORY, 0, 0);
	if (fd >= 0)
		*ret_name = name;
	return fd;
}

bool place_is_foreign(int folder)
{
	struct stat stat;

	return fstat(folder, &stat) || !owner_is_trusted(stat.st_uid) ||
	       stat.st_mode & (S_IWGRP | S_IWOTH);
}

static int old_check(int folder, int fd, const char *path, struct err *err)
{
	struct stat stat;

	if (fstat(fd, &stat))
		return err_errno(err, "looking at '%s'", path);
	if (!place_is_foreign(folder) ||
		(S_ISREG(stat.st_mode) && stat.st_nlink == 1 &&
			stat.st_uid == geteuid()))
		return 0;
	err_set(err, EPERM,
		"'%s' is there, in a directory that others can write to, and "
		"is %s",
		path,
		!S_ISREG(stat.st_mode) ? "no regular file"
		: stat.st_nlink != 1   ? "known by other names, too"
				       : "another user's");
	return err_hint(err, "remove it, or choose another directory");
}

/* It may lead out of its folder by a link of ours: to a terminal, say. */
static int old_open(int dir, const char *path, int *ret_fd, struct err *err)
{
	const int flags = O_WRONLY | O_APPEND | O_NOCTTY;
	_cleanup_fd_ int folder = -1, fd = -1;
	const char *name;
	int code;

	folder = place_open_folder(dir, path, &name);
	if (folder < 0)
		return err_code(err, folder, "opening '%s'", path);
	fd = place_open(folder, name, flags | O_NONBLOCK, 0, 0);
	if (fd < 0)
		return err_code(err, fd, "opening '%s'", path);
	code = old_check(folder, fd, path, err);
	if (code)
		return code;
	if (fcntl(fd, F_SETFL, O_APPEND))
		return err_errno(err, "opening '%s'", path);
	*ret_fd = fd_take(&fd);
	return 0;
}

int place_check_name(int folder, const char *name, int ours, struct err *err)
{
	struct stat mine, old;

	if (!place_is_foreign(folder) ||
		fstatat(folder, name, &old, AT_SYMLINK_NOFOLLOW))
		return 0;
	if (fstat(ours, &mine))
		return err_errno(err, "looking at our '%s'", name);
	if (mine.st_uid == old.st_uid)
		return 0;
	err_set(err, EPERM,
		"'%s' is there, in a directory that others can write to, and "
		"is another user's",
		name);
	return err_hint(err, "remove it, or choose another directory");
}

int place_append(
	int dir, const char *path, mode_t mode, int *ret_fd, struct err *err)
{
	_cleanup_fd_ int folder = -1;
	const char *name;
	int fd;

	folder = place_open_folder(dir, path, &name);
	if (folder < 0)
		return err_code(err, folder, "creating '%s'", path);
	fd = openat(folder, name,
		O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0 && errno == EEXIST)
		return old_open(dir, path, ret_fd, err);
	if (fd < 0)
		return err_errno(err, "creating '%s'", path);
	*ret_fd = fd;
	return 0;
}

int place_create(
	int dir, const char *path, mode_t mode, int *ret_fd, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	struct stat stat;
	int code = place_append(dir, path, mode, &fd, err);

	if (code)
		return code;
	if (fstat(fd, &stat) || (S_ISREG(stat.st_mode) && ftruncate(fd, 0)))
		return err_errno(err, "emptying '%s'", path);
	*ret_fd = fd_take(&fd);
	return 0;
}

static int name_invent(char ret_name[PLACE_NAME])
{
	unsigned char dice[LETTERS];

	if (getrandom(dice, sizeof(dice), 0) != sizeof(dice))
		return -EIO;
	strcpy(ret_name, PREFIX);
	for (size_t i = 0; i < sizeof(dice); i++)
		ret_name[strlen(PREFIX) + i] = letters[dice[i] % 32];
	ret_name[PLACE_NAME - 1] = '\0';
	return 0;
}

int place_new_file(int dir, mode_t mode, char ret_name[PLACE_NAME])
{
	int fd, code = name_invent(ret_name);

	if (code)
		return code;
	fd = openat(dir, ret_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	return fd < 0 ? -errno : fd;
}

/* Somebody may have put a directory of his into the place of ours. File
 * systems that know us by another id (a network's) make that of all we make
 * there, so it is no number that says whose it is, but what we make in it. */
static int new_dir_check(int fd)
{
	char name[PLACE_NAME];
	_cleanup_fd_ int probe = -1;
	struct stat dir, file;

	if (fstat(fd, &dir))
		return -errno;
	if (dir.st_mode & (S_IRWXG | S_IRWXO))
		return -EPERM;
	if (dir.st_uid == geteuid())
		return 0;
	probe = place_new_file(fd, 0600, name);
	if (probe < 0 || fstat(probe, &file))
		return -EPERM;
	place_remove(fd, name, probe);
	return file.st_uid == dir.st_uid ? 0 : -EPERM;
}

/* Nobody takes it for left behind from here on. -EAGAIN: somebody did, in the
 * moment before. Where there are no locks nobody will. */
static int new_dir_lock(int fd)
{
	struct stat stat;

	if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		return -EAGAIN;
	return fstat(fd, &stat) || !stat.st_nlink ? -EAGAIN : 0;
}

static int new_dir_once(int dir, char ret_name[PLACE_NAME])
{
	int fd, code = name_invent(ret_name);

	if (code)
		return code;
	if (mkdirat(dir, ret_name, NEW_DIR))
		return -errno;
	fd = openat(
		dir, ret_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	code = new_dir_check(fd) ?: new_dir_lock(fd);
	if (!code)
		return fd;
	close(fd);
	return code;
}

int place_new_dir(int dir, char ret_name[PLACE_NAME])
{
	int fd = -EAGAIN;

	for (int i = 0; fd == -EAGAIN && i < NEW_TRIES; i++)
		fd = new_dir_once(dir, ret_name);
	return fd;
}

bool place_is_leftover(const char *name, int fd)
{
	struct stat stat;

	return !strncmp(name, PREFIX, strlen(PREFIX)) &&
	       strlen(name) == PLACE_NAME - 1 &&
	       strspn(name + strlen(PREFIX), letters) == LETTERS &&
	       !fstat(fd, &stat) && S_ISDIR(stat.st_mode) &&
	       stat.st_uid == geteuid() && (stat.st_mode & 07777) == NEW_DIR &&
	       !flock(fd, LOCK_EX | LOCK_NB);
}

void place_remove(int dir, const char *name, int fd)
{
	struct stat ours, named;
	int flags = 0;

	if (fstat(fd, &ours) ||
		fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) ||
		ours.st_dev != named.st_dev || ours.st_ino != named.st_ino)
		return;
	if (S_ISDIR(ours.st_mode))
		flags = AT_REMOVEDIR;
	unlinkat(dir, name, flags);
}
