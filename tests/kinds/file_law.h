/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file_law: the kind law for files: what is captured of open files is
 * captured of those that were made from it, too.
 *
 * All in one process: the files of the test are captured into an image and
 * closed, made from the image, put under their old numbers, emitted and played,
 * and captured again. What is only a number of the kernel's (inodes) is
 * compared by who shares it.
 */
#ifndef STASIS_TEST_FILE_LAW_H
#define STASIS_TEST_FILE_LAW_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dump/pages.h"
#include "dump/shared.h"
#include "inject/play.h"
#include "kinds/kinds.h"
#include "kinds/table.h"
#include "model/dump.h"
#include "model/facts.h"
#include "model/restore.h"
#include "kinds/file/lib/memory_object.h"
#include "test.h"

enum { LAW_FILES = 32 };

/* One capture of the files. */
struct law_take {
	char folder[32];
	int dir;
	struct dump dump;
	FileEntry *entries[LAW_FILES];
};

struct law {
	struct arena *arena;
	struct err err;
	struct options opt;
	struct run run;
	struct victim victim;
	struct task task;
	struct facts facts;
	struct law_take first, second;
	struct restore restore;
	int fds[LAW_FILES]; /* what is captured, in this order */
	int n;
};

static int law_remove(
	const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int law_take_open(struct law *law, struct law_take *take)
{
	strcpy(take->folder, "/tmp/file-law-XXXXXX");
	if (!mkdtemp(take->folder))
		return err_errno(&law->err, "making a folder");
	take->dir = open(take->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	take->dump = (struct dump){.run = &law->run, .arena = law->arena};
	*vec_push(law->arena, &take->dump.victims) = &law->victim;
	return image_set_create(
		law->arena, take->dir, &take->dump.images, &law->err);
}

static void law_take_close(struct law_take *take)
{
	image_set_closep(&take->dump.images);
	if (take->dir > 0)
		close(take->dir);
	if (take->folder[0])
		nftw(take->folder, law_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static int law_open(struct law *law)
{
	struct kernel_features features = {0};

	law->arena = arena_new();
	options_init(&law->opt);
	law->run = (struct run){.opt = &law->opt,
		.be = backend_native,
		.arena = law->arena,
		.page_size = (uint64_t)sysconf(_SC_PAGESIZE)};
	law->victim = (struct victim){.pid = getpid(), .task = &law->task};
	law->restore.root = -1;
	if (proc_open(getpid(), &law->victim.proc, &law->err) ||
		facts_read(law->arena, &features, &law->facts, &law->err))
		return -law->err.code;
	return law_take_open(law, &law->first) ||
			       law_take_open(law, &law->second)
		       ? -law->err.code
		       : 0;
}

static void law_close(struct law *law)
{
	for (int i = 0; i < law->n; i++)
		close(law->fds[i]);
	memory_shelf_close(&law->restore);
	image_set_closep(&law->restore.images);
	if (law->restore.root >= 0)
		close(law->restore.root);
	law_take_close(&law->first);
	law_take_close(&law->second);
	proc_close(&law->victim.proc);
	arena_free(law->arena);
}

static void law_add(struct law *law, int fd)
{
	law->fds[law->n++] = fd;
}

/* --- capture ------------------------------------------------------------- */

static const struct kind *law_claimed(const struct sighting *sighting)
{
	const struct kind *found = NULL;

	for (size_t i = 0; kinds[i]; i++) {
		if (kinds[i]->scope != SCOPE_FILE ||
			!kinds[i]->claims(sighting))
			continue;
		CHECK(!found);
		found = kinds[i];
	}
	return found;
}

static int law_see(struct law *law, int fd, struct sighting *ret)
{
	char *target, name[32];
	struct statfs fs;
	int code;

	snprintf(name, sizeof(name), "fd/%d", fd);
	*ret = (struct sighting){.victim = &law->victim,
		.fd_number = fd,
		.fd = fd,
		.where = "fd",
		.link = arena_printf(law->arena, "fd/%d", fd)};
	if (fstat(fd, &ret->stat))
		return err_errno(&law->err, "fstat");
	code = proc_read_link(
		law->arena, &law->victim.proc, name, &target, &law->err);
	ret->target = target;
	ret->fs_type = fstatfs(fd, &fs) ? 0 : (uint32_t)fs.f_type;
	return code ? code
		    : fdinfo_read(law->arena, &law->victim.proc, fd, &ret->info,
			      &law->err);
}

static int law_fd_capture(
	struct law *law, struct law_take *take, int fd, FileEntry **ret)
{
	FileEntry *entry = arena_new1(law->arena, FileEntry);
	const struct kind *kind;
	struct sighting sighting;
	int code;

	file_entry__init(entry);
	entry->id = dump_file_id(&take->dump);
	code = law_see(law, fd, &sighting);
	if (code)
		return code;
	kind = law_claimed(&sighting);
	if (!kind)
		return err_set(&law->err, EOPNOTSUPP, "%s",
			kind_unknown_name(&sighting));
	code = kind->capture(&take->dump, &sighting, entry, &law->err);
	CHECK(code || entry->type == kind->tag);
	*ret = entry;
	return code ? code
		    : image_append(take->dump.images, IMAGE_FILES, 0,
			      &entry->base, NULL, 0, &law->err);
}

static int law_pages(struct law *law, struct law_take *take)
{
	struct pages_jobs jobs;
	int code;

	pages_jobs_init(&jobs, &take->dump);
	code = shared_capture(&take->dump, &jobs, &law->err);
	return code ? code : pages_copy(&take->dump, &jobs, &law->err);
}

static int law_capture(struct law *law, struct law_take *take)
{
	const struct image_facts facts = {
		.machine = "x", .page_size = (uint32_t)law->run.page_size};
	int code = 0;

	for (int i = 0; i < law->n && !code; i++)
		code = law_fd_capture(
			law, take, law->fds[i], &take->entries[i]);
	if (!code)
		code = kinds_finish(&take->dump, &law->err);
	if (!code)
		code = law_pages(law, take);
	return code ? code
		    : image_set_commit(take->dump.images, &facts, &law->err);
}

/* --- make ---------------------------------------------------------------- */

static int law_objects_read(struct law *law)
{
	struct restore *restore = &law->restore;
	struct objects *objects = &restore->objects;
	struct image_list list;
	struct object *object;
	int code;

	*restore = (struct restore){.run = &law->run, .arena = law->arena};
	restore->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	code = image_set_open(
		law->arena, law->first.dir, &restore->images, &law->err);
	if (!code)
		code = image_load(
			restore->images, IMAGE_FILES, 0, &list, &law->err);
	if (code)
		return code;
	objects->max_id = (uint32_t)list.n;
	objects->by_id = arena_newn(law->arena, struct object *, list.n + 1);
	for (size_t i = 0; i < list.n; i++) {
		object = arena_new1(law->arena, struct object);
		object->entry = (FileEntry *)list.at[i].msg;
		object->id = object->entry->id;
		code = kinds_of_entry(object->entry, &object->kind, &law->err);
		if (code)
			return code;
		object->shelf_fd = -1;
		objects->by_id[object->id] = object;
		*vec_push(law->arena, &objects->list) = object;
	}
	return 0;
}

static struct object *law_object(struct law *law, int i)
{
	return law->restore.objects.by_id[law->first.entries[i]->id];
}

static int law_make(struct law *law)
{
	struct objects *objects = &law->restore.objects;
	const struct plan_view view = {.arena = law->arena, .objects = objects};
	struct object *object;
	int code = kinds_load(&law->restore, &law->err), fd;

	for (size_t i = 0; i < objects->list.n && !code; i++)
		code = kinds_plan(&view, objects->list.at[i], &law->err);
	for (int i = 0; i < law->n && !code; i++) {
		object = law_object(law, i);
		code = object->kind->make(
			&law->restore, object, &fd, &law->err);
		if (code)
			return code;
		object->shelf_fd = fcntl(fd, F_DUPFD_CLOEXEC, 300);
		close(fd);
	}
	for (int i = 0; i < law->n; i++) {
		object = law_object(law, i);
		dup3(object->shelf_fd, law->fds[i], O_CLOEXEC);
		close(object->shelf_fd);
		object->shelf_fd = law->fds[i];
	}
	for (int i = 0; i < law->n && !code; i++)
		code = kinds_link(&law->restore, law_object(law, i),
			law->fds[i], &law->err);
	return code;
}

/* --- emit ---------------------------------------------------------------- */

static int law_fd_order(const void *a, const void *b)
{
	const FdinfoEntry *const *one = a, *const *other = b;

	return (*one)->fd < (*other)->fd ? -1 : (*one)->fd > (*other)->fd;
}

static int law_emit(struct law *law)
{
	struct tape *tape = tape_new(law->arena, "test");
	struct object *object;
	int code = 0;

	law->task.fds = arena_newn(law->arena, FdinfoEntry *, law->n);
	for (int i = 0; i < law->n; i++) {
		law->task.fds[i] = arena_new1(law->arena, FdinfoEntry);
		law->task.fds[i]->fd = (uint32_t)law->fds[i];
		*vec_push(law->arena, &law_object(law, i)->holders) =
			(struct holder){.facts = &law->facts,
				.task = &law->task,
				.fd = law->fds[i],
				.first = true};
	}
	law->task.n_fds = (size_t)law->n;
	qsort(law->task.fds, law->task.n_fds, sizeof(*law->task.fds),
		law_fd_order);
	for (int i = 0; i < law->n && !code; i++) {
		object = law_object(law, i);
		code = kinds_emit_file(
			tape, object, &object->holders.at[0], &law->err);
	}
	return code ?: play_tape(tape, NULL, &law->err);
}

/* --- compare ------------------------------------------------------------- */

/* The kernel gives these anew: who shares one says the same as the number. */
static uint64_t *law_number(FileEntry *entry, uint64_t *store)
{
	*store = entry->pipe  ? entry->pipe->pipe_id
		 : entry->isk ? entry->isk->ino
		 : entry->usk ? entry->usk->ino
			      : 0;
	return store;
}

static uint64_t law_first_with(
	const struct law *law, const struct law_take *take, int i)
{
	uint64_t mine, other;

	law_number(take->entries[i], &mine);
	for (int k = 0; k < i && k < law->n; k++)
		if (*law_number(take->entries[k], &other) == mine)
			return (uint64_t)k;
	return (uint64_t)i;
}

static void law_neutralize(FileEntry *entry)
{
	if (entry->pipe)
		entry->pipe->pipe_id = 0;
	if (entry->isk)
		entry->isk->ino = 0;
	if (entry->usk)
		entry->usk->ino = entry->usk->peer = 0;
	if (entry->epfd)
		for (size_t i = 0; i < entry->epfd->n_tfd; i++)
			entry->epfd->tfd[i]->inode = 0;
	/* Time goes on; not even a minute may be lost. */
	if (entry->tfd && (entry->tfd->vsec || entry->tfd->vnsec)) {
		entry->tfd->vsec = (entry->tfd->vsec + 30) / 60;
		entry->tfd->vnsec = 0;
		entry->tfd->stasis_until = 0;
	}
	if (entry->id && entry->fifo)
		entry->fifo->regf_id = 0;
}

static void law_compare(struct law *law)
{
	uint8_t *bytes[2];
	size_t size[2];
	FileEntry *entry;

	for (int i = 0; i < law->n; i++)
		CHECK_INT(law_first_with(law, &law->first, i),
			law_first_with(law, &law->second, i));
	for (int i = 0; i < law->n; i++) {
		for (int k = 0; k < 2; k++) {
			entry = k ? law->second.entries[i]
				  : law->first.entries[i];
			law_neutralize(entry);
			bytes[k] = arena_alloc(
				law->arena, file_entry__get_packed_size(entry));
			size[k] = file_entry__pack(entry, bytes[k]);
		}
		CHECK_INT(size[0], size[1]);
		if (size[0] == size[1])
			CHECK_MEM(bytes[0], bytes[1], size[0]);
	}
}

/* --- the law ------------------------------------------------------------- */

/* Up to the point where what was made stands in the place of what was. */
static int law_exchange(struct law *law)
{
	int code = law_capture(law, &law->first);

	if (code)
		return code;
	for (int i = 0; i < law->n; i++)
		close(law->fds[i]);
	code = law_objects_read(law);
	if (!code)
		code = law_make(law);
	return code ? code : law_emit(law);
}

__attribute__((unused)) static int law_hold(struct law *law)
{
	int code = law_exchange(law);

	if (!code)
		code = law_capture(law, &law->second);
	CHECK_STR(law->err.text, "");
	if (!code)
		law_compare(law);
	return code;
}

#endif
