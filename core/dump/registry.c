/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "kernel/kcmp.h"
#include "kernel/pidfd.h"
#include "model/kind.h"

enum { BUCKETS = 4096 };

struct entry {
	struct entry *next; /* of the same bucket */
	dev_t dev;
	ino_t ino;
	pid_t pid;	  /* one who has it open; 0: a path */
	int fd;		  /* under this number there */
	const char *name; /* of a path */
	struct registry_file file;
};

struct registry {
	struct entry *bucket[BUCKETS];
	uint32_t next_id;
};

static struct registry *registry_of(struct dump *dump)
{
	if (!dump->files) {
		dump->files = arena_new1(dump->arena, struct registry);
		dump->files->next_id = 1;
	}
	return dump->files;
}

uint32_t dump_file_id(struct dump *dump)
{
	return registry_of(dump)->next_id++;
}

static struct entry **bucket_of(struct dump *dump, const struct stat *stat)
{
	uint64_t key = (uint64_t)stat->st_ino * 0x9e3779b97f4a7c15ull;

	key ^= (uint64_t)stat->st_dev * 0xff51afd7ed558ccdull;
	return &registry_of(dump)->bucket[(key >> 40) % BUCKETS];
}

static struct entry *entry_add(struct dump *dump, const struct stat *stat)
{
	struct entry **bucket = bucket_of(dump, stat);
	struct entry *entry = arena_new1(dump->arena, struct entry);

	entry->dev = stat->st_dev;
	entry->ino = stat->st_ino;
	entry->next = *bucket;
	*bucket = entry;
	return entry;
}

static int unclaimed_refuse(const struct sighting *sighting, struct err *err)
{
	err_set(err, EOPNOTSUPP,
		"process %d: %s is %s (%s), which cannot be "
		"dumped",
		sighting->victim->pid, sighting->where,
		kind_unknown_name(sighting), sighting->target);
	return err_hint(err, "close it before the checkpoint, or dump the "
			     "process at a moment when it does not use one");
}

/* Let the kind that claims it write it down. */
static int sighting_capture(struct dump *dump, const struct sighting *sighting,
	struct registry_file *ret, struct err *err)
{
	FileEntry entry = FILE_ENTRY__INIT;
	int code;

	entry.id = dump_file_id(dump);
	for (size_t i = 0; kinds[i]; i++) {
		if (kinds[i]->scope != SCOPE_FILE ||
			!kinds[i]->claims(sighting))
			continue;
		code = kinds[i]->capture(dump, sighting, &entry, err);
		if (!code)
			code = image_append(dump->images, IMAGE_FILES, 0,
				&entry.base, NULL, 0, err);
		if (code)
			return err_wrap(err, "process %d: %s (%s)",
				sighting->victim->pid, sighting->where,
				sighting->target);
		ret->id = entry.id;
		ret->type = entry.type;
		return 0;
	}
	return unclaimed_refuse(sighting, err);
}

static int fd_find(struct dump *dump, struct victim *victim, int fd,
	const struct stat *stat, struct entry **ret, struct err *err)
{
	struct entry *entry;
	int code, order;

	for (entry = *bucket_of(dump, stat); entry; entry = entry->next) {
		if (!entry->pid || entry->dev != stat->st_dev ||
			entry->ino != stat->st_ino)
			continue;
		code = kcmp_compare(victim->pid, entry->pid, KCMP_FILE,
			(uint64_t)fd, (uint64_t)entry->fd, &order, err);
		if (code)
			return code;
		if (order == 0)
			break;
	}
	*ret = entry;
	return 0;
}

static int fd_look(struct dump *dump, struct victim *victim, int fd,
	struct sighting *ret, struct err *err)
{
	char name[32];
	char *target;
	int code;

	snprintf(name, sizeof(name), "fd/%d", fd);
	code = proc_read_link(dump->arena, &victim->proc, name, &target, err);
	if (!code)
		code = pidfd_copy_file(
			victim->pidfd, victim->pid, fd, &ret->fd, err);
	ret->target = target;
	return code;
}

int registry_fd(struct dump *dump, struct victim *victim, int fd,
	struct registry_file *ret, bool *ret_cloexec, struct err *err)
{
	struct sighting sighting = {
		.victim = victim, .fd_number = fd, .fd = -1};
	char name[32], where[32];
	struct entry *entry;
	int code;

	snprintf(name, sizeof(name), "fd/%d", fd);
	snprintf(where, sizeof(where), "fd %d", fd);
	if (fstatat(victim->proc.dir, name, &sighting.stat, 0))
		return err_errno(
			err, "process %d: looking at fd %d", victim->pid, fd);
	code = fdinfo_read(dump->arena, &victim->proc, fd, &sighting.info, err);
	if (!code)
		code = fd_find(dump, victim, fd, &sighting.stat, &entry, err);
	if (code)
		return err_wrap(err, "process %d: fd %d", victim->pid, fd);
	*ret_cloexec = sighting.info.flags & O_CLOEXEC;
	if (entry) {
		*ret = entry->file;
		return 0;
	}
	sighting.where = where;
	code = fd_look(dump, victim, fd, &sighting, err);
	if (!code)
		code = sighting_capture(dump, &sighting, ret, err);
	if (sighting.fd >= 0)
		close(sighting.fd);
	if (code)
		return code;
	entry = entry_add(dump, &sighting.stat);
	entry->pid = victim->pid;
	entry->fd = fd;
	entry->file = *ret;
	return 0;
}

static struct entry *path_find(
	struct dump *dump, const struct stat *stat, const char *name)
{
	struct entry *entry = *bucket_of(dump, stat);

	while (entry && (entry->pid || entry->dev != stat->st_dev ||
				entry->ino != stat->st_ino ||
				strcmp(entry->name, name) != 0))
		entry = entry->next;
	return entry;
}

int registry_path(struct dump *dump, struct victim *victim, const char *link,
	const char *where, bool shared, struct registry_file *ret,
	struct err *err)
{
	struct sighting sighting = {.victim = victim,
		.fd_number = -1,
		.where = where,
		.info = {.mnt_id = -1}};
	_cleanup_fd_ int fd = -1;
	struct entry *entry;
	char *target;
	int code;

	code = proc_read_link(dump->arena, &victim->proc, link, &target, err);
	if (code)
		return err_wrap(err, "process %d: %s", victim->pid, where);
	fd = openat(victim->proc.dir, link,
		(shared ? O_RDONLY | O_NONBLOCK : O_PATH) | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &sighting.stat))
		return err_errno(err, "process %d: %s: opening %s", victim->pid,
			where, target);
	entry = path_find(dump, &sighting.stat, target);
	if (!entry) {
		sighting.fd = fd;
		sighting.target = target;
		code = sighting_capture(dump, &sighting, ret, err);
		if (code)
			return code;
		entry = entry_add(dump, &sighting.stat);
		entry->name = target;
		entry->file = *ret;
	}
	*ret = entry->file;
	return 0;
}
