/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/path_again.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/place.h"
#include "kernel/maps.h"
#include "kinds/file/lib/ghost_place.h"
#include "kinds/file/lib/path.h"

/* By its name, which may lie below another mount than what the task has, and
 * has no links in it: whoever puts one there now leads to nothing. */
static int name_open(const char *name, int flags)
{
	int fd = place_open(AT_FDCWD, name,
		(flags & ~O_NOFOLLOW) | O_NOCTTY | O_NONBLOCK, 0,
		RESOLVE_NO_SYMLINKS);

	if (fd >= 0)
		return fd;
	errno = -fd;
	return -1;
}

/* A restore opens both ends, so that it need not wait. */
static int fifo_check(const char *name, struct err *err)
{
	if (!faccessat(AT_FDCWD, name, R_OK | W_OK, AT_EACCESS))
		return 0;
	err_errno(err, "both its ends could not be opened again");
	return err_hint(err, "change its permissions back, or close it before "
			     "the checkpoint");
}

int path_again_check(const struct sighting *sighting, const RegFileEntry *reg,
	int *ret_fd, struct err *err)
{
	mode_t mode = sighting->stat.st_mode;

	if (reg->flags & O_PATH || !sighting->stat.st_nlink)
		return 0;
	if (S_ISFIFO(mode))
		return fifo_check(reg->name, err);
	if (!S_ISREG(mode) && !S_ISDIR(mode) && !S_ISCHR(mode))
		return 0;
	*ret_fd = name_open(reg->name, path_flags(reg));
	if (*ret_fd >= 0)
		return 0;
	err_errno(err, "it could not be opened again as it is open now");
	return err_hint(err, "its permissions, attributes (chattr), mount or "
			     "file system have changed since it was opened, or "
			     "the restore needs more rights: change that back, "
			     "or close it before the checkpoint");
}

/* It is made again in its folder. */
static int deleted_check(
	const struct map *map, const char *name, struct err *err)
{
	char folder[PATH_MAX];
	struct statvfs fs;

	if (!(map->prot & PROT_EXEC) || !ghost_place_find(name, folder) ||
		statvfs(folder, &fs) || !(fs.f_flag & ST_NOEXEC))
		return 0;
	err_set(err, EOPNOTSUPP,
		"it was deleted, is mapped to be executed, and nothing in the "
		"folder '%s' can be (its mount has noexec)",
		folder);
	return err_hint(err, "take noexec away before the checkpoint");
}

static int map_refuse(const struct map *map, struct err *err)
{
	err_errno(err, "it could not be mapped again as it is mapped now (%s)",
		map->prot & PROT_EXEC ? "to be executed"
		: map->shared	      ? "shared"
				      : "private");
	return err_hint(err, "its mount (noexec), permissions, attributes "
			     "(chattr) or use (swap) have changed since: "
			     "change that back before the checkpoint");
}

int path_map_check(const struct sighting *sighting, struct err *err)
{
	const struct map *map = sighting->map;
	bool writes = map->shared && map->flags & MAP_VM_MW;
	char name[PATH_MAX + 64];
	_cleanup_fd_ int fd = -1;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *at;

	snprintf(name, sizeof(name), "%s", sighting->target);
	if (!path_leads(name, sighting)) {
		path_strip_deleted(name);
		if (!path_leads(name, sighting))
			return deleted_check(map, name, err);
	}
	fd = name_open(name, writes ? O_RDWR : O_RDONLY);
	if (fd < 0)
		return map_refuse(map, err);
	at = mmap(NULL, page, (int)map->prot,
		(map->shared ? MAP_SHARED : MAP_PRIVATE) | MAP_NORESERVE, fd,
		0);
	if (at == MAP_FAILED)
		return map_refuse(map, err);
	munmap(at, page);
	return 0;
}
