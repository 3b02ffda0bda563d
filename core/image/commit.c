/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "image/digest.h"
#include "image/manifest.h"
#include "image/set_state.h"

/* From so many files on, one syncfs is cheaper than an fsync for each. */
enum { SYNCFS_FILES = 16 };

static const char manifest_name[] = "stasis.img";
static const char inventory_name[] = "inventory.img";

static int files_finish(struct image_set *set, struct err *err)
{
	struct image_file *file;
	char name[IMAGE_NAME_MAX];
	int code;

	for (size_t i = 0; i < set->files.n; i++) {
		file = set->files.at[i];
		if (file->dropped)
			continue;
		image_name(name, file->type, file->id);
		if (file->by_fd && !file->finished)
			return err_set(
				err, EINVAL, "%s is still being written", name);
		code = image_file_finish(set, file, err);
		if (code < 0)
			return code;
	}
	return 0;
}

static int file_sync(int dir, const char *name, struct err *err)
{
	_cleanup_fd_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, "writing %s to disk", name);
	return 0;
}

static int files_sync(struct image_set *set, struct err *err)
{
	char name[IMAGE_NAME_MAX];
	int code;

	if (set->files.n >= SYNCFS_FILES) {
		if (syncfs(set->temp) < 0)
			return err_errno(err, "writing the images to disk");
		return 0;
	}
	for (size_t i = 0; i < set->files.n; i++) {
		if (set->files.at[i]->dropped)
			continue;
		image_name(name, set->files.at[i]->type, set->files.at[i]->id);
		code = file_sync(set->temp, name, err);
		if (code < 0)
			return code;
	}
	return 0;
}

static int manifest_write(struct image_set *set, const StasisManifest *manifest,
	bool sync, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	void *bytes = NULL;
	size_t size = 0;
	int ret;

	ret = image_file_temp(set, err);
	if (ret < 0)
		return ret;
	fd = openat(set->temp, manifest_name,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, "creating %s", manifest_name);
	ret = manifest_pack(set->arena, manifest, &bytes, &size);
	if (ret < 0)
		return err_code(err, ret, "making the manifest");
	ret = io_write_all(fd, bytes, size);
	if (ret < 0)
		return err_code(err, ret, "writing %s", manifest_name);
	if (sync && fsync(fd) < 0)
		return err_errno(err, "writing %s to disk", manifest_name);
	return 0;
}

static int old_unlink(struct image_set *set, const char *name, struct err *err)
{
	int code = place_check_name(set->dir, name, set->temp, err);

	if (code)
		return code;
	if (unlinkat(set->dir, name, 0) < 0 && errno != ENOENT)
		return err_errno(err, "removing the old %s", name);
	return 0;
}

/* Would a reader of the new set take this older file for a part of it? */
static bool old_in_the_way(const struct image_set *set,
	const struct image_facts *facts, const char *name)
{
	enum image_type type;
	uint64_t id;

	if (!image_name_parse(name, &type, &id))
		return false;
	switch (type) {
	case IMAGE_STATS_DUMP:
	case IMAGE_STATS_RESTORE:
	case IMAGE_IRMAP_CACHE:
		return false;
	case IMAGE_PAGES:
	case IMAGE_PAGEMAP:
	case IMAGE_PAGEMAP_SHMEM:
		if (facts->remote_pages)
			return false;
		break;
	default:
		break;
	}
	return !image_file_find(set, type, id);
}

/* Whatever will be removed or replaced may be, before any of it is. */
static int old_check(
	struct image_set *set, const struct image_facts *facts, struct err *err)
{
	_cleanup_dir_ DIR *dir = NULL;
	const struct dirent *entry;
	enum image_type type;
	uint64_t id;
	int code = 0;

	if (!place_is_foreign(set->dir))
		return 0;
	dir = image_dir_list(set->dir);
	if (!dir)
		return err_errno(err, "reading the image directory");
	while (!code && (entry = readdir(dir)))
		if ((!strcmp(entry->d_name, "parent") &&
			    (facts || set->parent)) ||
			!strcmp(entry->d_name, manifest_name) ||
			(image_name_parse(entry->d_name, &type, &id) &&
				(image_file_find(set, type, id) ||
					(facts && old_in_the_way(set, facts,
							  entry->d_name)))))
			code = place_check_name(
				set->dir, entry->d_name, set->temp, err);
	return code;
}

/* From here on the directory does not look like a whole set to anybody. */
static int old_remove(
	struct image_set *set, const struct image_facts *facts, struct err *err)
{
	_cleanup_dir_ DIR *dir = NULL;
	const struct dirent *entry;
	int code;

	code = old_unlink(set, manifest_name, err);
	if (code < 0)
		return code;
	if (!facts)
		return 0;
	code = old_unlink(set, inventory_name, err)
		       ?: old_unlink(set, IMAGE_PASSED_NAME, err);
	if (code < 0)
		return code;
	if (!set->parent)
		code = old_unlink(set, "parent", err);
	if (code < 0)
		return code;
	dir = image_dir_list(set->dir);
	if (!dir)
		return err_errno(err, "reading the image directory");
	while (!code && (entry = readdir(dir)))
		if (old_in_the_way(set, facts, entry->d_name))
			code = old_unlink(set, entry->d_name, err);
	return code;
}

static int file_place(struct image_set *set, const char *name, struct err *err)
{
	int code = place_check_name(set->dir, name, set->temp, err);

	if (code)
		return code;
	if (renameat(set->temp, name, set->dir, name) < 0)
		return err_errno(err, "putting %s into place", name);
	return 0;
}

static int parent_place(struct image_set *set, struct err *err)
{
	if (!set->parent)
		return 0;
	if (symlinkat(set->parent, set->temp, "parent") < 0)
		return err_errno(
			err, "linking to the parent '%s'", set->parent);
	return file_place(set, "parent", err);
}

/* All but the inventory, then the inventory. */
static int files_place(struct image_set *set, struct err *err)
{
	const struct image_file *file;
	char name[IMAGE_NAME_MAX];
	int code;

	for (size_t i = 0; i < set->files.n; i++) {
		file = set->files.at[i];
		if (file->dropped || file->type == IMAGE_INVENTORY)
			continue;
		image_name(name, file->type, file->id);
		code = file_place(set, name, err);
		if (code < 0)
			return code;
	}
	code = parent_place(set, err);
	if (code < 0)
		return code;
	if (!image_file_find(set, IMAGE_INVENTORY, 0))
		return 0;
	return file_place(set, inventory_name, err);
}

static int dir_sync(
	struct image_set *set, const struct image_facts *facts, struct err *err)
{
	if (facts && facts->no_sync)
		return 0;
	if (fsync(set->dir) < 0)
		return err_errno(err, "writing the image directory to disk");
	return 0;
}

static int set_place(
	struct image_set *set, const struct image_facts *facts, struct err *err)
{
	int code;

	code = old_check(set, facts, err)
		       ?: old_remove(set, facts, err)
		       ?: dir_sync(set, facts, err);
	if (code < 0)
		return code;
	code = files_place(set, err) ?: dir_sync(set, facts, err);
	if (code < 0)
		return code;
	if (!facts)
		return 0;
	code = file_place(set, manifest_name, err);
	if (code < 0)
		return code;
	return dir_sync(set, facts, err);
}

static int set_commit(
	struct image_set *set, const struct image_facts *facts, struct err *err)
{
	StasisManifest manifest;
	int code;

	if (!set->files.n && !facts)
		return 0;
	code = image_file_temp(set, err) ?: files_finish(set, err);
	if (code < 0)
		return code;
	if (!set->stream && !(facts && facts->no_sync))
		code = files_sync(set, err);
	if (code < 0)
		return code;
	if (facts) {
		manifest_describe(set, facts, &manifest);
		code = manifest_write(
			set, &manifest, !set->stream && !facts->no_sync, err);
		if (code < 0)
			return code;
	}
	return set->stream ? image_files_stream(set, err)
			   : set_place(set, facts, err);
}

int image_set_commit(
	struct image_set *set, const struct image_facts *facts, struct err *err)
{
	int ret = set_commit(set, facts, err);

	if (ret < 0)
		err_wrap(err, "writing the images");
	/* What was put into place is no longer in the hidden directory; what
	 * ends a stream still is. */
	if (ret < 0 || !set->stream)
		image_set_abort(set);
	return ret;
}

/* A file that the manifest of a set that is read lists, or NULL. */
static struct image_listed *listed_file(
	const struct image_set *set, enum image_type type, uint64_t id)
{
	char name[IMAGE_NAME_MAX];

	image_name(name, type, id);
	for (size_t i = 0; set->manifest && i < set->manifest->n_file; i++)
		if (!strcmp(set->listed[i].file->name, name))
			return &set->listed[i];
	return NULL;
}

static int manifest_replace(struct image_set *set, struct err *err)
{
	int code = manifest_write(set, set->manifest, true, err);

	if (code == 0)
		code = file_place(set, manifest_name, err);
	image_set_abort(set);
	return code;
}

int image_set_open_up(struct image_set *set, const uint32_t *pages_ids,
	size_t n, const uint64_t *holes_for, struct err *err)
{
	struct image_listed *listed;

	if (!set->manifest)
		return 0;
	for (size_t i = 0; i < n; i++) {
		listed = listed_file(set, IMAGE_PAGES, pages_ids[i]);
		if (listed)
			listed->file->has_opened_up = listed->file->opened_up =
				true;
	}
	if (holes_for) {
		set->manifest->has_holes_for = true;
		set->manifest->holes_for = *holes_for;
	}
	return manifest_replace(set, err);
}

int image_pages_reopen(
	struct image_set *set, uint32_t pages_id, int *ret_fd, struct err *err)
{
	_cleanup_fd_ int seen = -1, fd = -1;
	char name[IMAGE_NAME_MAX];
	struct stat was, now;
	uint64_t size;
	int code =
		image_raw_open(set, IMAGE_PAGES, pages_id, &seen, &size, err);

	if (code < 0)
		return code;
	image_name(name, IMAGE_PAGES, pages_id);
	fd = place_open(set->dir, name,
		O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0, 0);
	if (fd < 0)
		return err_code(err, fd, "opening %s for writing", name);
	if (fstat(seen, &was) || fstat(fd, &now))
		return err_errno(err, "looking at %s", name);
	if (was.st_dev != now.st_dev || was.st_ino != now.st_ino)
		return err_set(err, EBUSY, "%s is another file by now", name);
	/* Who can put names there may have given one to somebody else's. */
	if (now.st_nlink != 1 && place_is_foreign(set->dir))
		return err_set(err, EPERM,
			"%s is in a directory that others can write to, and is "
			"known by other names, too",
			name);
	*ret_fd = fd_take(&fd);
	return 0;
}

static int listed_seal(
	struct image_set *set, struct image_listed *listed, struct err *err)
{
	StasisFile *file = listed->file;
	_cleanup_fd_ int fd = -1;
	struct stat st;
	int code =
		io_open_regular(set->dir, file->name, INT64_MAX, &fd, &st, err);

	if (code < 0)
		return code;
	code = digest_read_file(fd, (uint64_t)st.st_size, &file->xxh3);
	if (code < 0)
		return err_code(err, code, "reading %s again", file->name);
	file->size = (uint64_t)st.st_size;
	file->has_opened_up = file->opened_up = false;
	listed->verified = (struct verified){NULL, image_mark(&st)};
	return 0;
}

int image_set_seal_again(struct image_set *set, const uint32_t *pages_ids,
	size_t n, struct err *err)
{
	struct image_listed *listed;
	int code = 0;

	if (!set->manifest)
		return 0;
	for (size_t i = 0; i < n && !code; i++) {
		listed = listed_file(set, IMAGE_PAGES, pages_ids[i]);
		if (listed)
			code = listed_seal(set, listed, err);
	}
	return code ?: manifest_replace(set, err);
}

uint64_t image_set_id(const struct image_set *set)
{
	return set->manifest && set->manifest->has_id ? set->manifest->id : 0;
}

int image_write_alone(int dir, enum image_type type, uint64_t id,
	const ProtobufCMessage *msg, struct err *err)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_image_set_ struct image_set *set = NULL;
	char name[IMAGE_NAME_MAX];
	int code;

	code = image_set_create(arena, dir, &set, err) ?: image_append(set, type, id, msg, NULL, 0, err) ?: image_file_temp(set, err) ?: files_finish(set, err);
	if (code < 0)
		return code;
	image_name(name, type, id);
	return file_place(set, name, err);
}
