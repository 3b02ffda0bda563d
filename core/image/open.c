/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/place.h"
#include "image/manifest.h"
#include "image/set_state.h"

static int listed_compare(const void *a, const void *b)
{
	const struct image_listed *one = a, *other = b;

	return strcmp(one->file->name, other->file->name);
}

static int set_verify(struct image_set *set, struct err *err)
{
	StasisManifest *manifest = NULL;
	struct verified *verified;
	size_t n;
	int code;

	code = manifest_load(set->arena, set->dir, &manifest, err);
	if (code < 0)
		return code;
	if (!manifest)
		return 0;
	n = manifest->n_file;
	verified = arena_newn(set->arena, struct verified, n + 1);
	code = manifest_verify(
		set->arena, set->dir, manifest, set->small, verified, err);
	if (code < 0)
		return code;
	set->listed = arena_newn(set->arena, struct image_listed, n + 1);
	for (size_t i = 0; i < n; i++)
		set->listed[i] =
			(struct image_listed){manifest->file[i], verified[i]};
	qsort(set->listed, n, sizeof(set->listed[0]), listed_compare);
	set->manifest = manifest;
	return 0;
}

static int set_open(struct arena *arena, int dir_fd, bool small,
	struct image_set **ret_set, struct err *err)
{
	_cleanup_image_set_ struct image_set *set = NULL;
	int code;

	code = image_set_new(arena, dir_fd, &set, err);
	if (code < 0)
		return code;
	set->small = small;
	code = set_verify(set, err);
	if (code < 0)
		return code;
	*ret_set = set;
	set = NULL;
	return 0;
}

int image_set_open(struct arena *arena, int dir_fd, struct image_set **ret_set,
	struct err *err)
{
	return set_open(arena, dir_fd, false, ret_set, err);
}

int image_set_open_small(struct arena *arena, int dir_fd,
	struct image_set **ret_set, struct err *err)
{
	return set_open(arena, dir_fd, true, ret_set, err);
}

static int parent_open(
	struct image_set *set, struct image_set **ret_set, struct err *err)
{
	_cleanup_fd_ int fd = place_open(
		set->dir, "parent", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0);

	if (fd == -ELOOP) {
		err_code(err, fd, "opening the parent of the images");
		return err_hint(err,
			"a symbolic link on the way is another user's, who "
			"could lead to any images; make it anew, or as root");
	}
	if (fd < 0) {
		err_code(err, fd, "opening the parent of the images");
		return err_hint(err,
			"these images hold only what changed since an earlier "
			"dump; its directory must be where \"parent\" points");
	}
	if (set_open(set->arena, fd, set->small, ret_set, err) < 0)
		return err_wrap(err, "the parent of the images");
	return 0;
}

int image_set_open_parent(
	struct image_set *set, struct image_set **ret_set, struct err *err)
{
	struct stat st;
	int code = 0;

	/* A link to nowhere is not the absence of a link. */
	if (!set->parent_set &&
		fstatat(set->dir, "parent", &st, AT_SYMLINK_NOFOLLOW) == 0)
		code = parent_open(set, &set->parent_set, err);
	if (code < 0)
		return code;
	*ret_set = set->parent_set;
	return 0;
}
