/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/budget.h"
#include "image/set_state.h"

int image_set_new(struct arena *arena, int dir_fd, struct image_set **ret_set,
	struct err *err)
{
	struct image_set *set = arena_new1(arena, struct image_set);

	set->arena = arena;
	set->spare = BUDGET_SPARE;
	set->temp = -1;
	set->dir = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
	if (set->dir < 0)
		return err_errno(err, "using fd %d as image directory", dir_fd);
	*ret_set = set;
	return 0;
}

int image_set_create(struct arena *arena, int dir_fd,
	struct image_set **ret_set, struct err *err)
{
	struct image_set *set = NULL;
	int code;

	code = image_set_new(arena, dir_fd, &set, err);
	if (code < 0)
		return code;
	set->writing = true;
	*ret_set = set;
	return 0;
}

void image_dir_closep(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

DIR *image_dir_list(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *ret = fd < 0 ? NULL : fdopendir(fd);

	if (!ret && fd >= 0)
		close(fd);
	return ret;
}

int image_set_each(
	const struct image_set *set, image_each *one, void *of, struct err *err)
{
	_cleanup_dir_ DIR *list = image_dir_list(set->dir);
	const struct dirent *entry;
	enum image_type type;
	uint64_t id;
	int code = 0;

	if (!list)
		return err_errno(err, "reading the image directory");
	while (!code && (entry = readdir(list)))
		if (image_name_parse(entry->d_name, &type, &id))
			code = one(of, type, id, err);
	return code;
}

void image_folder_empty(int temp)
{
	_cleanup_dir_ DIR *dir = image_dir_list(temp);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 &&
			strcmp(entry->d_name, "..") != 0)
			unlinkat(temp, entry->d_name, 0);
}

void image_set_abort(struct image_set *set)
{
	for (size_t i = 0; i < set->files.n; i++) {
		free(set->files.at[i]->bytes);
		set->files.at[i]->bytes = NULL;
	}
	set->files.n = 0;
	set->n_slots = 0;
	set->writing = false;
	if (set->temp < 0)
		return;
	image_folder_empty(set->temp);
	place_remove(set->dir, set->temp_name, set->temp);
	close(fd_take(&set->temp));
}

void image_set_close(struct image_set *set)
{
	if (set->writing)
		image_set_abort(set);
	if (set->parent_set)
		image_set_close(set->parent_set);
	set->parent_set = NULL;
	for (size_t i = 0; i < set->spans.n; i++)
		munmap(set->spans.at[i].at, set->spans.at[i].size);
	set->spans.n = 0;
	if (set->dir >= 0)
		close(fd_take(&set->dir));
}

void image_set_closep(struct image_set **set)
{
	if (*set)
		image_set_close(*set);
}

struct arena *image_set_arena(struct image_set *set)
{
	return set->arena;
}

struct image_set *image_set_view(
	struct arena *arena, const struct image_set *set, int dir_fd)
{
	struct image_set *view = arena_copy(arena, set, sizeof(*set));

	view->arena = arena;
	view->dir = dir_fd;
	view->parent_set = NULL;
	memset(&view->spans, 0, sizeof(view->spans));
	return view;
}

int image_set_dir(const struct image_set *set)
{
	return set->dir;
}

const StasisManifest *image_set_manifest(const struct image_set *set)
{
	return set->manifest;
}
