/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/ghost_place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"

/* A folder below the last one of the place, which is *dir. */
static int folder_make(
	struct ghost_place *place, const char *name, struct err *err)
{
	undo_line line;
	int dir, code;

	if (place->n == GHOST_FOLDERS)
		return err_set(err, ENAMETOOLONG,
			"more than %d folders above it are gone",
			GHOST_FOLDERS);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_set(err, EBADMSG, "'%s' is no folder's name", name);
	code = undo_note_folder(place->undo, place->dir, name, &line, err);
	if (code)
		return code;
	if (mkdirat(place->dir, name, 0700)) {
		code = err_errno(err, "making the deleted folder '%s'", name);
		undo_done(place->undo, line);
		return code;
	}
	dir = openat(place->dir, name,
		O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0) {
		code = err_errno(err, "opening the deleted folder '%s'", name);
		unlinkat(place->dir, name, AT_REMOVEDIR);
		undo_done(place->undo, line);
		return code;
	}
	place->made[place->n].above = place->dir;
	place->made[place->n].line = line;
	place->made[place->n++].name = name;
	place->dir = dir;
	return 0;
}

/* The folders that are there, and then those that are not. */
static int folders_walk(struct restore *restore, char *folder,
	struct ghost_place *place, struct err *err)
{
	char *slash = NULL, *next;
	int code = 0;

	do {
		place->dir = restore_open(restore, *folder ? folder : "/",
			O_PATH | O_DIRECTORY, 0);
		next = place->dir == -ENOENT ? strrchr(folder, '/') : NULL;
		if (next) {
			*next = '\0';
			slash = next;
		}
	} while (next);
	if (place->dir < 0)
		return err_code(err, place->dir, "opening '%s'",
			*folder ? folder : "/");
	for (; slash && !code; slash = next) {
		/* Each was cut off at its slash; the next one follows. */
		code = folder_make(place, slash + 1, err);
		next = slash + 1 + strlen(slash + 1);
		next = next < place->end ? next : NULL;
	}
	return code;
}

int ghost_place_open(struct restore *restore, const char *folder,
	struct ghost_place *ret, struct err *err)
{
	char *path = arena_strdup(restore->arena, folder);
	int code;

	*ret = (struct ghost_place){.dir = -1,
		.undo = restore->run->undo,
		.end = path + strlen(path)};
	code = folders_walk(restore, path, ret, err);
	if (code)
		ghost_place_close(ret);
	return code;
}

void ghost_place_close(struct ghost_place *place)
{
	if (place->dir >= 0)
		close(place->dir);
	while (place->n--) {
		unlinkat(place->made[place->n].above,
			place->made[place->n].name, AT_REMOVEDIR);
		undo_done(place->undo, place->made[place->n].line);
		close(place->made[place->n].above);
	}
	place->n = 0;
	place->dir = -1;
}

bool ghost_place_find(const char *name, char ret_folder[PATH_MAX])
{
	struct stat stat;
	char *slash;

	if (snprintf(ret_folder, PATH_MAX, "%s", name) >= PATH_MAX)
		return false;
	do {
		slash = strrchr(ret_folder, '/');
		if (!slash)
			return false;
		slash[slash == ret_folder] = '\0';
	} while (ret_folder[1] && lstat(ret_folder, &stat) && errno == ENOENT);
	return true;
}

/* Can names be taken away there again? */
static int append_check(const char *folder, struct err *err)
{
	struct statx stat;

	if (statx(AT_FDCWD, folder, AT_SYMLINK_NOFOLLOW, 0, &stat) ||
		!(stat.stx_attributes & STATX_ATTR_APPEND))
		return 0;
	err_set(err, EPERM,
		"it was deleted, and in the folder '%s', where it would be "
		"made again for a moment, nothing can be deleted (chattr +a)",
		folder);
	return err_hint(err, "take that attribute away before the checkpoint");
}

/* A mount that is gone since, or below another one, has its files still; but
 * not where their names are. Mapped files are shown by another layer of the
 * same. */
static int mount_check(
	const struct sighting *sighting, const char *folder, struct err *err)
{
	struct statfs was, is;

	if (sighting->fd_number < 0 || fstatfs(sighting->fd, &was) ||
		statfs(folder, &is) ||
		(was.f_type == is.f_type &&
			!memcmp(&was.f_fsid, &is.f_fsid, sizeof(is.f_fsid))))
		return 0;
	err_set(err, EOPNOTSUPP,
		"it was deleted, and the folder '%s', where it would be made "
		"again, is one of another file system now",
		folder);
	return err_hint(err, "its own was unmounted, or another one mounted "
			     "there: undo that, or close the file before the "
			     "checkpoint");
}

int ghost_place_check(
	const struct sighting *sighting, const char *name, struct err *err)
{
	char folder[PATH_MAX];

	if (!ghost_place_find(name, folder))
		return err_set(err, ENAMETOOLONG, "its name is too long");
	if (!faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS))
		return append_check(folder, err)
			       ?: mount_check(sighting, folder, err);
	err_errno(err,
		"it was deleted, and could not be made again for a moment in "
		"the folder '%s'",
		folder);
	return err_hint(err, "make that folder writable, or close the file "
			     "before the checkpoint");
}
