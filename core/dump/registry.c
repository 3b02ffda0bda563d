/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "kernel/kcmp.h"
#include "kernel/kcmp_tree.h"
#include "kernel/pidfd.h"
#include "kinds/kinds.h"

enum { BUCKETS_FIRST = 1024 };

/* An open file description. */
struct opened {
	struct kcmp_node node; /* one who has it open, under which number */
	struct registry_file file;
};

/* What a path led to. */
struct named {
	struct named *next; /* of the same inode */
	const char *name;
	unsigned mapped; /* as bits of map_way: it can be mapped so again */
	struct registry_file file;
};

/* All anonymous files (eventfds, epoll sets ...) are one inode. */
struct inode {
	struct inode *next; /* of the same bucket */
	dev_t dev;
	ino_t ino;
	struct kcmp_tree opened;
	struct named *named;
};

struct registry {
	struct inode **bucket;
	size_t n_buckets, n_inodes;
};

static struct registry *registry_of(struct dump *dump)
{
	struct registry *registry = dump->files;

	if (!registry) {
		registry = arena_new1(dump->arena, struct registry);
		registry->n_buckets = BUCKETS_FIRST;
		registry->bucket =
			arena_newn(dump->arena, struct inode *, BUCKETS_FIRST);
		dump->files = registry;
	}
	return registry;
}

static struct inode **bucket_of(
	const struct registry *registry, dev_t dev, ino_t ino)
{
	uint64_t key = (uint64_t)ino * 0x9e3779b97f4a7c15ull;

	key ^= (uint64_t)dev * 0xff51afd7ed558ccdull;
	return &registry->bucket[(key >> 32) % registry->n_buckets];
}

static void buckets_double(struct dump *dump, struct registry *registry)
{
	struct registry old = *registry;
	struct inode *inode, **bucket;

	registry->n_buckets *= 2;
	registry->bucket =
		arena_newn(dump->arena, struct inode *, registry->n_buckets);
	for (size_t i = 0; i < old.n_buckets; i++)
		while ((inode = old.bucket[i])) {
			old.bucket[i] = inode->next;
			bucket = bucket_of(registry, inode->dev, inode->ino);
			inode->next = *bucket;
			*bucket = inode;
		}
}

static struct inode *inode_of(struct dump *dump, const struct stat *stat)
{
	struct registry *registry = registry_of(dump);
	struct inode *inode, **bucket;

	bucket = bucket_of(registry, stat->st_dev, stat->st_ino);
	for (inode = *bucket; inode; inode = inode->next)
		if (inode->dev == stat->st_dev && inode->ino == stat->st_ino)
			return inode;
	if (registry->n_inodes++ >= registry->n_buckets) {
		buckets_double(dump, registry);
		bucket = bucket_of(registry, stat->st_dev, stat->st_ino);
	}
	inode = arena_new1(dump->arena, struct inode);
	inode->dev = stat->st_dev;
	inode->ino = stat->st_ino;
	inode->opened.type = KCMP_FILE;
	inode->next = *bucket;
	*bucket = inode;
	return inode;
}

/* Its messages live on in the arena. */
static int file_append(struct dump *dump, const struct kind *kind,
	const FileEntry *entry, struct err *err)
{
	struct object *object = arena_new1(dump->arena, struct object);

	object->id = entry->id;
	object->kind = kind;
	object->entry = arena_copy(dump->arena, entry, sizeof(*entry));
	object->rank = object->slot = object->write_slot = -1;
	object->shelf_fd = -1;
	*vec_push(dump->arena, &dump->objects.list) = object;
	return image_append(
		dump->images, IMAGE_FILES, 0, &entry->base, NULL, 0, err);
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
	const struct kind *kind = kinds_claim(sighting);
	FileEntry entry = FILE_ENTRY__INIT;
	int code;

	if (!kind)
		return unclaimed_refuse(sighting, err);
	entry.id = dump_file_id(dump);
	code = kind->capture(dump, sighting, &entry, err);
	if (!code && sighting->fd_number >= 0)
		code = kinds_seen(dump, sighting, entry.id, true, err);
	if (!code)
		code = file_append(dump, kind, &entry, err);
	if (code && sighting->victim == dump->ours)
		return err_wrap(err, "a file in flight (%s)", sighting->target);
	if (code)
		return err_wrap(err, "process %d: %s (%s)",
			sighting->victim->pid, sighting->where,
			sighting->target);
	*ret = (struct registry_file){entry.id, entry.type};
	return 0;
}

/* The description that is open there: one that is known, or a new one whose
 * id is still 0. */
static int opened_find(struct dump *dump, struct victim *victim, int fd,
	const struct stat *stat, struct opened **ret, struct err *err)
{
	struct opened *opened = arena_new1(dump->arena, struct opened);
	struct kcmp_node *node;
	int code;

	opened->node.pid = victim->pid;
	opened->node.idx = (uint64_t)fd;
	code = kcmp_tree_place(
		&inode_of(dump, stat)->opened, &opened->node, &node, err);
	if (!code)
		*ret = (struct opened *)node;
	return code;
}

/* Known from another process. */
static int known_look(struct dump *dump, const struct sighting *sighting,
	const struct registry_file *file, struct err *err)
{
	const struct victim *victim = sighting->victim;
	int code = kinds_again(dump, victim, file->type, file->id, err)
			   ?: kinds_seen(dump, sighting, file->id, false, err);

	return code ? err_wrap(err, "process %d: fd %d", victim->pid,
			      sighting->fd_number)
		    : 0;
}

/* Pipes, sockets and the like are files of no file system. */
static void fs_look(struct sighting *sighting)
{
	struct statfs fs;

	if (sighting->target[0] == '/' && !fstatfs(sighting->fd, &fs))
		sighting->fs_type = (uint32_t)fs.f_type;
}

/* Through our own copy, whose number is the same each time: the kernel knows
 * its name in /proc already, and has to make up those of the victim's. */
static int target_read(
	struct dump *dump, struct sighting *sighting, struct err *err)
{
	char link[40], target[PATH_MAX + 64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", sighting->fd);
	n = readlink(link, target, sizeof(target));
	if (n < 0)
		return err_errno(err, "asking what it is");
	if ((size_t)n == sizeof(target))
		return err_code(err, -ENAMETOOLONG, "asking what it is");
	target[n] = '\0';
	sighting->target = arena_strdup(dump->arena, target);
	fs_look(sighting);
	return 0;
}

/* fd of ours is ours already. */
static int fd_look(struct dump *dump, const struct victim *victim, int fd,
	struct sighting *ret, struct err *err)
{
	int code = 0;

	if (victim != dump->ours)
		code = pidfd_copy_file(
			victim->pidfd, victim->pid, fd, &ret->fd, err);
	else if ((ret->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0)
		code = err_errno(err, "duplicating fd %d", fd);
	if (!code && fstat(ret->fd, &ret->stat))
		code = err_errno(err, "looking at it");
	return code;
}

/* A description that nobody has shown yet. */
static int opened_capture(struct dump *dump, struct sighting *sighting,
	struct registry_file *ret, struct err *err)
{
	char link[32], where[32];
	int code;

	snprintf(link, sizeof(link), "fd/%d", sighting->fd_number);
	snprintf(where, sizeof(where), "fd %d", sighting->fd_number);
	sighting->link = link;
	sighting->where = where;
	code = target_read(dump, sighting, err);
	if (code)
		return err_wrap(
			err, "process %d: %s", sighting->victim->pid, where);
	return sighting_capture(dump, sighting, ret, err);
}

int registry_fd(struct dump *dump, struct victim *victim, int fd,
	struct registry_file *ret, bool *ret_cloexec, struct err *err)
{
	struct sighting sighting = {
		.victim = victim, .fd_number = fd, .fd = -1};
	_cleanup_fd_ int copy = -1;
	struct opened *opened;
	int code;

	code = fd_look(dump, victim, fd, &sighting, err);
	copy = sighting.fd;
	if (!code)
		code = fdinfo_read(
			dump->arena, &victim->proc, fd, &sighting.info, err);
	if (!code)
		code = opened_find(
			dump, victim, fd, &sighting.stat, &opened, err);
	if (code)
		return err_wrap(err, "process %d: fd %d", victim->pid, fd);
	*ret_cloexec = sighting.info.flags & O_CLOEXEC;
	if (opened->file.id) {
		*ret = opened->file;
		return opened->node.pid == victim->pid
			       ? 0
			       : known_look(dump, &sighting, ret, err);
	}
	code = opened_capture(dump, &sighting, ret, err);
	if (!code)
		opened->file = *ret;
	return code;
}

static int ours_open(struct dump *dump, struct err *err)
{
	struct victim *ours;
	int code;

	if (dump->ours)
		return 0;
	ours = arena_new1(dump->arena, struct victim);
	ours->pid = ours->vpid = getpid();
	ours->pidfd = -1;
	code = proc_open(ours->pid, &ours->proc, err);
	if (!code)
		dump->ours = ours;
	return code;
}

int registry_ours(struct dump *dump, int fd, uint32_t *ret_id, struct err *err)
{
	struct registry_file file = {0};
	bool cloexec;
	int code = ours_open(dump, err);

	if (!code)
		code = registry_fd(dump, dump->ours, fd, &file, &cloexec, err);
	if (!code)
		*ret_id = file.id;
	return code;
}

static struct named *named_find(const struct inode *inode, const char *name)
{
	struct named *named = inode->named;

	while (named && strcmp(named->name, name) != 0)
		named = named->next;
	return named;
}

static struct named *named_add(struct dump *dump, struct inode *inode,
	const char *name, const struct registry_file *file)
{
	struct named *named = arena_new1(dump->arena, struct named);

	*named = (struct named){inode->named, name, 0, *file};
	inode->named = named;
	return named;
}

/* What matters to whether it can be mapped so, as a number below 32. */
static unsigned map_way(const struct map *map)
{
	return (map->prot & (PROT_READ | PROT_WRITE | PROT_EXEC)) |
	       (map->shared ? 8u : 0) | (map->flags & MAP_VM_MW ? 16u : 0);
}

/* Each way once. */
static int mapped_look(
	struct named *named, const struct sighting *sighting, struct err *err)
{
	unsigned bit = sighting->map ? 1u << map_way(sighting->map) : 0;
	int code = 0;

	if ((named->mapped & bit) == bit)
		return 0;
	code = kinds_mapped(sighting, named->file.type, err);
	if (code)
		return err_wrap(err, "process %d: %s (%s)",
			sighting->victim->pid, sighting->where,
			sighting->target);
	named->mapped |= bit;
	return 0;
}

/* To open what is leased for writing breaks the lease. */
static int lease_check(const struct dump *dump, const struct victim *victim,
	const char *link, const struct map *map, struct err *err)
{
	struct stat stat;

	if (!map || !dump->write_leases.n ||
		fstatat(victim->proc.dir, link, &stat, 0) ||
		!index_get(&dump->write_leases, stat.st_ino))
		return 0;
	err_set(err, EOPNOTSUPP,
		"it is mapped and leased for writing (F_SETLEASE): to open it "
		"again would break the lease");
	return err_hint(err, "dump at a moment when the lease is not held");
}

int registry_path(struct dump *dump, struct victim *victim, const char *link,
	const char *where, const struct map *map, struct registry_file *ret,
	struct err *err)
{
	bool shared = map && map->shared; /* it may be memory */
	struct sighting sighting = {.victim = victim,
		.fd_number = -1,
		.map = map,
		.where = where,
		.link = link,
		.info = {.mnt_id = -1}};
	struct registry_file file;
	_cleanup_fd_ int fd = -1;
	struct inode *inode;
	struct named *named;
	char *target;
	int code;

	code = proc_read_link(dump->arena, &victim->proc, link, &target, err);
	if (code)
		return err_wrap(err, "process %d: %s", victim->pid, where);
	code = lease_check(dump, victim, link, map, err);
	if (code)
		return err_wrap(
			err, "process %d: %s (%s)", victim->pid, where, target);
	fd = openat(victim->proc.dir, link,
		(shared ? O_RDONLY | O_NONBLOCK : O_PATH) | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &sighting.stat))
		return err_errno(err, "process %d: %s: opening %s", victim->pid,
			where, target);
	sighting.fd = fd;
	sighting.target = target;
	inode = inode_of(dump, &sighting.stat);
	named = named_find(inode, target);
	if (!named) {
		fs_look(&sighting);
		code = sighting_capture(dump, &sighting, &file, err);
		if (code)
			return code;
		named = named_add(dump, inode, target, &file);
	}
	code = mapped_look(named, &sighting, err);
	if (!code)
		*ret = named->file;
	return code;
}
