/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "proto/inventory.pb-c.h"

uint64_t parent_uptime(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* Its inventory is as old as the set. */
static bool is_of_other_boot(int dir)
{
	struct timespec now = {0};
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &now);
	return !fstatat(dir, "inventory.img", &st, 0) &&
	       st.st_mtim.tv_sec + 1 <
		       now.tv_sec - (time_t)(parent_uptime() / 1000000u);
}

static int manifest_check(
	const struct dump *dump, const struct parent *parent, struct err *err)
{
	const StasisManifest *manifest = image_set_manifest(parent->set);

	if (!manifest)
		return 0;
	if (strcmp(manifest->machine, dump->run->be->name))
		return err_set(err, EXDEV, "it is of another machine (%s)",
			manifest->machine);
	if (manifest->page_size != dump->run->page_size)
		return err_set(err, EXDEV, "it has pages of %u bytes, not %llu",
			manifest->page_size,
			(unsigned long long)dump->run->page_size);
	return 0;
}

static int inventory_read(
	struct dump *dump, struct parent *parent, struct err *err)
{
	const InventoryEntry *inventory;
	struct image_item item;
	int code;

	if (!image_exists(parent->set, IMAGE_INVENTORY, 0)) {
		err_set(err, ENOENT, "it holds no images (no inventory.img)");
		return err_hint(err, "name the directory of the round before, "
				     "as seen from the image directory");
	}
	code = manifest_check(dump, parent, err);
	if (!code)
		code = image_load_one(
			parent->set, IMAGE_INVENTORY, 0, &item, err);
	if (code)
		return code;
	inventory = (const InventoryEntry *)item.msg;
	parent->has_uptime = inventory->has_dump_uptime;
	parent->uptime_us = inventory->dump_uptime;
	return 0;
}

struct reading {
	struct dump *dump;
	struct parent *parent;
};

static int map_load(
	void *of, enum image_type type, uint64_t id, struct err *err)
{
	const struct reading *reading = of;
	struct parent *parent = reading->parent;
	struct arena *arena = reading->dump->arena;
	struct source *source;
	int code;

	if (type != IMAGE_PAGEMAP && type != IMAGE_PAGEMAP_SHMEM)
		return 0;
	source = arena_new1(arena, struct source);
	code = source_load(parent->set, type, id,
		(uint32_t)reading->dump->run->page_size, source, err);
	if (!code)
		*index_slot(arena,
			type == IMAGE_PAGEMAP ? &parent->tasks
					      : &parent->objects,
			id) = source;
	return code;
}

static int maps_load(struct dump *dump, struct parent *parent, struct err *err)
{
	struct reading reading = {dump, parent};

	return image_set_each(parent->set, map_load, &reading, err);
}

/* What is there must be of the tree that is to be dumped. */
static int root_check(
	const struct dump *dump, const struct parent *parent, struct err *err)
{
	if (!parent->tasks.n ||
		index_get(&parent->tasks, (uint64_t)dump->run->opt->tree))
		return 0;
	err_set(err, EINVAL, "it has no pages of process %d",
		dump->run->opt->tree);
	return err_hint(err,
		"it is of another tree; name the directory of the round "
		"before, or dump without --prev-images-dir");
}

static int parent_read(
	struct dump *dump, struct parent *parent, struct err *err)
{
	const StasisManifest *manifest;
	int code = image_set_open_small(
		dump->arena, parent->dir, &parent->set, err);

	if (!code)
		code = inventory_read(dump, parent, err);
	if (code)
		return code;
	manifest = image_set_manifest(parent->set);
	parent->remote = manifest && manifest->remote_pages;
	code = maps_load(dump, parent, err) ?: root_check(dump, parent, err);
	if (code || dump->wire || !parent->remote || parent->tasks.n)
		return code;
	err_set(err, EINVAL, "its pages were sent to a page server");
	return err_hint(err, "send these there, too (--page-server), or dump "
			     "without --prev-images-dir");
}

static bool same_directory(int a, int b)
{
	struct stat one, other;

	return !fstat(a, &one) && !fstat(b, &other) &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static int parent_find(
	struct dump *dump, struct parent *parent, struct err *err)
{
	parent->dir = openat(dump->run->images_dir, parent->path,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent->dir < 0) {
		err_errno(err, "opening it");
		return err_hint(err, "its path is as seen from the image "
				     "directory: a set beside it is ../NAME");
	}
	if (same_directory(parent->dir, dump->run->images_dir))
		return err_set(err, EINVAL,
			"it is the directory of the new images, too");
	parent->passed = !faccessat(parent->dir, IMAGE_PASSED_NAME, F_OK, 0);
	parent->other_boot = is_of_other_boot(parent->dir);
	return parent_read(dump, parent, err);
}

int parent_open(struct dump *dump, struct parent **ret, struct err *err)
{
	struct parent *parent;
	int code;

	*ret = NULL;
	if (!dump->run->opt->prev_images_dir)
		return 0;
	parent = arena_new1(dump->arena, struct parent);
	parent->path = dump->run->opt->prev_images_dir;
	code = parent_find(dump, parent, err);
	if (code) {
		parent_close(parent);
		return err_wrap(
			err, "the parent of the images, '%s'", parent->path);
	}
	*ret = parent;
	return 0;
}

void parent_close(struct parent *parent)
{
	if (!parent)
		return;
	image_set_closep(&parent->set);
	fd_closep(&parent->dir);
	parent->dir = -1;
	parent->set = NULL;
}

bool parent_knows(const struct parent *parent, uint64_t start_time)
{
	long ticks = sysconf(_SC_CLK_TCK);

	if (!parent->has_uptime || parent->other_boot || ticks <= 0)
		return false;
	/* Started in the very tick: it may be another one. */
	return start_time < parent->uptime_us / (1000000u / (uint64_t)ticks);
}

const struct source *parent_task(const struct parent *parent, pid_t pid)
{
	return index_get(&parent->tasks, (uint64_t)pid);
}

const struct source *parent_object(const struct parent *parent, uint32_t shmid)
{
	return index_get(&parent->objects, shmid);
}

int parent_pass(const struct parent *parent, struct err *err)
{
	_cleanup_fd_ int fd = openat(parent->dir, IMAGE_PASSED_NAME,
		O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd < 0 && errno != EEXIST
		       ? err_errno(err, "noting in the parent of the images "
					"that changes are counted anew")
		       : 0;
}
