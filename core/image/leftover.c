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

static int folder_remove(
	int dir, const char *name, bool *ret_gone, struct err *err)
{
	_cleanup_fd_ int fd = openat(
		dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	*ret_gone = false;
	if (fd < 0 || !place_is_leftover(name, fd))
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
		if (entry->d_name[0] == '.')
			*vec_push(arena, &names) =
				arena_strdup(arena, entry->d_name);
	for (size_t i = 0; i < names.n; i++) {
		also = folder_remove(
			dir, names.at[i], &gone, code ? ERR_UNREAD : err);
		code = code ?: also;
		if (gone)
			tell(of,
				arena_printf(arena,
					"the folder '%s' of an engine that was "
					"killed is removed",
					names.at[i]));
	}
	return code;
}

void leftover_empty(int folder)
{
	image_folder_empty(folder);
}
