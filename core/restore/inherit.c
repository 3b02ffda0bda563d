/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "kinds/kinds.h"

/* Our own files are O_CLOEXEC; what came through exec is not. */
static int fd_check(const struct inherited *given, struct err *err)
{
	int flags = fcntl(given->fd, F_GETFD);

	if (flags >= 0 && !(flags & FD_CLOEXEC))
		return 0;
	err_set(err, EBADF,
		"fd %d is to take the place of '%s', but was not inherited",
		given->fd, given->key);
	return err_hint(err, "open it before the restore is started, without "
			     "close-on-exec");
}

static bool access_fits(uint32_t wanted, int fd)
{
	int have = fcntl(fd, F_GETFL) & O_ACCMODE;

	return wanted & O_PATH || have == O_RDWR ||
	       have == (int)(wanted & O_ACCMODE);
}

static bool is_fifo(int fd)
{
	struct stat stat;

	return !fstat(fd, &stat) && S_ISFIFO(stat.st_mode);
}

static int access_check(const struct object *object,
	const struct object_key *key, struct err *err)
{
	const struct inherited *given = object->given;

	if (is_fifo(given->fd) || access_fits(key->flags, given->fd))
		return 0;
	return err_set(err, EBADF,
		"fd %d cannot take the place of '%s': it is not open for %s",
		given->fd, key->name,
		(key->flags & O_ACCMODE) == O_RDONLY   ? "reading"
		: (key->flags & O_ACCMODE) == O_WRONLY ? "writing"
						       : "reading and writing");
}

static int missing_refuse(const struct object *object,
	const struct object_key *key, struct err *err)
{
	err_set(err, ENOKEY,
		"file %u was '%s', which somebody outside of the tree holds, "
		"and nothing was given for it",
		object->id, key->name);
	return err_hint(
		err, "give one of our fds: --inherit-fd 'fd[N]:%s'", key->name);
}

static struct inherited *given_find(
	struct inherited *all, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(all[i].key, name)) {
			all[i].used = true;
			return &all[i];
		}
	return NULL;
}

static int object_look(struct restore *restore, struct object *object,
	struct inherited *all, size_t n, struct err *err)
{
	struct object_key key = {0};
	int code = kinds_key(restore, object, &key, err);

	if (code || !key.name)
		return code;
	object->given = given_find(all, n, key.name);
	object->given_flags = key.flags;
	if (object->given)
		return access_check(object, &key, err);
	if (object->outside || key.outside)
		return missing_refuse(object, &key, err);
	return 0;
}

int inherit_look(struct restore *restore, struct err *err)
{
	const struct options *o = restore->run->opt;
	size_t n = o->inherit_fds.n;
	int code = 0;

	restore->inherited = arena_newn(restore->arena, struct inherited, n);
	for (size_t i = 0; i < n && !code; i++) {
		restore->inherited[i].fd = o->inherit_fds.at[i].fd;
		restore->inherited[i].key = o->inherit_fds.at[i].key;
		code = fd_check(&restore->inherited[i], err);
	}
	for (size_t i = 0; i < restore->objects.list.n && !code; i++)
		code = object_look(restore, restore->objects.list.at[i],
			restore->inherited, n, err);
	for (size_t i = 0; i < n && !code; i++)
		if (!restore->inherited[i].used)
			log_warn("nothing in the images is '%s': our fd %d is "
				 "not needed",
				restore->inherited[i].key,
				restore->inherited[i].fd);
	return code;
}

/* Waits for nobody at the other end of a FIFO that has a name. */
static int fifo_reopen(int given, uint32_t flags)
{
	const uint32_t settable = O_APPEND | O_DIRECT | O_NOATIME | O_NONBLOCK;
	char link[32];
	int fd;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", given);
	fd = open(link,
		(int)(flags & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0 && fcntl(fd, F_SETFL, flags & settable)) {
		close(fd);
		return -1;
	}
	return fd;
}

int inherit_open(const struct object *object, int *ret_fd, struct err *err)
{
	const struct inherited *given = object->given;
	int fd;

	fd = is_fifo(given->fd) ? fifo_reopen(given->fd, object->given_flags)
				: fcntl(given->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return err_errno(
			err, "taking what was given for '%s'", given->key);
	log_info("file %u, '%s', is the one that was given", object->id,
		given->key);
	*ret_fd = fd;
	return 0;
}
