/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/leftover.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/vec.h"
#include "image/set_state.h"

static bool is_hidden_name(const char *name)
{
	return !strncmp(name, HIDDEN_PREFIX, strlen(HIDDEN_PREFIX)) &&
	       strlen(name) == strlen(HIDDEN_PREFIX) + HIDDEN_LETTERS &&
	       !strpbrk(name + strlen(HIDDEN_PREFIX), "-.");
}

/* Ours, and no writer has it; *ret_fd -1: it is not. */
static void folder_take(int dir, const char *name, int *ret_fd)
{
	_cleanup_fd_ int fd = openat(
		dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	*ret_fd = -1;
	if (fd < 0 || fstat(fd, &st) || st.st_uid != geteuid() ||
		st.st_mode & 077 || flock(fd, LOCK_EX | LOCK_NB))
		return;
	*ret_fd = fd_take(&fd);
}

static int folder_remove(
	int dir, const char *name, bool *ret_gone, struct err *err)
{
	_cleanup_fd_ int fd = -1;

	*ret_gone = false;
	folder_take(dir, name, &fd);
	if (fd < 0)
		return 0;
	image_folder_empty(fd);
	if (unlinkat(dir, name, AT_REMOVEDIR) && errno != ENOENT)
		return err_errno(err,
			"removing the folder '%s' of an engine that was "
			"killed",
			name);
	*ret_gone = true;
	return 0;
}

int leftovers_remove(struct arena *arena, int dir, undo_tell_fn *tell, void *of,
	struct err *err)
{
	_cleanup_dir_ DIR *list = image_dir_list(dir);
	const struct dirent *entry;
	VEC(char *) names = {0};
	int code = 0, also;
	bool gone;

	if (!list)
		return err_errno(err, "reading the directory");
	while ((entry = readdir(list)))
		if (is_hidden_name(entry->d_name))
			*vec_push(arena, &names) =
				arena_strdup(arena, entry->d_name);
	for (size_t i = 0; i < names.n; i++) {
		also = folder_remove(
			dir, names.at[i], &gone, code ? ERR_UNREAD : err);
		code = code ?: also;
		if (gone)
			tell(of, arena_printf(arena,
					 "the half-written images in '%s' are "
					 "removed",
					 names.at[i]));
	}
	return code;
}
