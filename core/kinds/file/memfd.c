/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memfd: files of memory that have no place in any file system: memfds, and
 * the memory behind shared anonymous mappings, which the format tells as a
 * memfd called "/dev/zero".
 *
 * The memory itself is an object of its own, with an entry in memfd.img and
 * pages like those of a task; memory_object.h deals with it.
 *
 * What memfd_create(2) opens is no writer to the kernel, as an opening by
 * path is: what is in it can be executed meanwhile. So the first that reads and
 * writes is that one again, and mappings are made through it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "kinds/file/lib/attributes.h"
#include "kinds/file/lib/fown.h"
#include "kinds/file/lib/memory_object.h"
#include "kinds/table.h"
#include "model/dump.h"
#include "model/restore.h"

static const char begin[] = "/memfd:", end[] = " (deleted)";
static const char anonymous[] = "/dev/zero";

static bool memfd_claims(const struct sighting *sighting)
{
	const char *target = sighting->target;
	size_t size = strlen(target), tail = strlen(end);

	if (!S_ISREG(sighting->stat.st_mode) || sighting->stat.st_nlink ||
		size <= tail || strcmp(target + size - tail, end) != 0)
		return false;
	size -= tail;
	return strncmp(target, begin, strlen(begin)) == 0 ||
	       (size == strlen(anonymous) &&
		       strncmp(target, anonymous, size) == 0);
}

/* "/memfd:x (deleted)" is called "x". */
static const char *name_of(struct arena *arena, const char *target)
{
	char *name = arena_strdup(arena, target);

	name[strlen(name) - strlen(end)] = '\0';
	return strncmp(name, begin, strlen(begin)) == 0 ? name + strlen(begin)
							: name;
}

static int seals_capture(int fd, MemfdInodeEntry *inode, struct err *err)
{
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0)
		return err_errno(err, "asking for the seals of a memfd");
	inode->seals = (uint32_t)seals;
	return 0;
}

static int huge_capture(int fd, MemfdInodeEntry *inode, struct err *err)
{
	unsigned shift = 0;
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return err_errno(err, "asking where a memfd lives");
	if (fs.f_type != HUGETLBFS_MAGIC)
		return 0;
	while (1ull << shift < (uint64_t)fs.f_bsize)
		shift++;
	inode->has_hugetlb_flag = true;
	inode->hugetlb_flag = MFD_HUGETLB | shift << MFD_HUGE_SHIFT;
	return 0;
}

static int inode_store(struct dump *dump, const struct sighting *sighting,
	uint32_t id, struct err *err)
{
	MemfdInodeEntry inode = MEMFD_INODE_ENTRY__INIT;
	const struct stat *stat = &sighting->stat;
	_cleanup_fd_ int fd = -1;
	char link[32];
	int code;

	/* Ours may be a mere path, and the victim's be open for writing. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", sighting->fd);
	fd = open(link, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "opening a memfd to store it");
	inode.name = (char *)name_of(dump->arena, sighting->target);
	inode.uid = stat->st_uid;
	inode.gid = stat->st_gid;
	inode.size = (uint64_t)stat->st_size;
	inode.inode_id = id;
	inode.has_mode = true;
	inode.mode = stat->st_mode;
	code = seals_capture(fd, &inode, err);
	if (!code)
		code = huge_capture(fd, &inode, err);
	if (!code)
		code = attributes_capture(dump->arena, fd,
			&inode.stasis_attribute, &inode.n_stasis_attribute,
			err);
	if (code)
		return code;
	memory_object_tell(dump, sighting, &inode.shmid);
	return image_append(
		dump->images, IMAGE_MEMFD, 0, &inode.base, NULL, 0, err);
}

static int inode_capture(struct dump *dump, const struct sighting *sighting,
	uint32_t *ret_id, struct err *err)
{
	void **known = book_slot(dump->arena, &dump->book, "memfd",
		sighting->stat.st_dev, sighting->stat.st_ino);
	void **last = book_slot(dump->arena, &dump->book, "memfds", 0, 0);
	int code = 0;

	if (!*known) {
		code = inode_store(
			dump, sighting, (uint32_t)(uintptr_t)*last + 1, err);
		if (code)
			return code;
		*known = *last = (char *)*last + 1;
	}
	*ret_id = (uint32_t)(uintptr_t)*known;
	return 0;
}

static int memfd_capture(struct dump *dump, const struct sighting *sighting,
	void *msg, struct err *err)
{
	MemfdFileEntry *memfd = arena_new1(dump->arena, MemfdFileEntry);
	FileEntry *entry = msg;
	int code;

	memfd_file_entry__init(memfd);
	entry->type = FD_TYPES__MEMFD;
	entry->memfd = memfd;
	memfd->id = entry->id;
	memfd->flags = sighting->info.flags & ~(uint32_t)O_CLOEXEC;
	memfd->pos = (uint64_t)sighting->info.pos;
	code = inode_capture(dump, sighting, &memfd->inode_id, err);
	return code ? code : fown_capture(dump, sighting, &memfd->fown, err);
}

/* All memory objects, once, by the inode_id that files call them by. */
static int inodes_load(struct restore *restore, struct err *err)
{
	void **loaded =
		book_slot(restore->arena, &restore->book, "memfds", 0, 0);
	MemfdInodeEntry *inode;
	struct image_list list;
	int code;

	if (*loaded)
		return 0;
	code = image_load(restore->images, IMAGE_MEMFD, 0, &list, err);
	if (code)
		return code;
	for (size_t i = 0; i < list.n; i++) {
		inode = (MemfdInodeEntry *)list.at[i].msg;
		*book_slot(restore->arena, &restore->book, "memfd",
			inode->inode_id, 0) = inode;
	}
	*loaded = restore;
	return 0;
}

static int inode_find(struct restore *restore, uint32_t id,
	const MemfdInodeEntry **ret, struct err *err)
{
	const MemfdInodeEntry *inode;
	int code = inodes_load(restore, err);

	if (code)
		return code;
	inode = *book_slot(restore->arena, &restore->book, "memfd", id, 0);
	if (!inode)
		return err_set(err, EBADMSG,
			"memfd.img has no entry of number %u, which it is made "
			"from",
			id);
	*ret = inode;
	return 0;
}

static int memfd_key(struct restore *restore, const struct object *object,
	struct object_key *ret, struct err *err)
{
	const MemfdFileEntry *memfd = object->entry->memfd;
	const MemfdInodeEntry *inode;
	int code;

	code = inode_find(restore, memfd->inode_id, &inode, err);
	if (code)
		return code;
	ret->name = arena_printf(restore->arena, "%s%s", begin, inode->name);
	ret->flags = memfd->flags;
	return 0;
}

/* May memfd_create have opened it, with flags that were set later? */
static bool flags_are_first(uint32_t flags)
{
	return (flags & (O_ACCMODE | O_SYNC | O_DIRECT | O_PATH)) == O_RDWR;
}

static int first_take(int memory, uint32_t flags, int *ret_fd, struct err *err)
{
	_cleanup_fd_ int fd = fcntl(memory, F_DUPFD_CLOEXEC, 3);
	int code;

	if (fd < 0)
		return err_errno(err, "taking its first opening");
	code = fown_flags_set(fd, flags, err);
	if (!code)
		*ret_fd = fd_take(&fd);
	return code;
}

static int again_open(int memory, uint32_t flags, int *ret_fd, struct err *err)
{
	char link[32];
	int fd;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", memory);
	fd = open(link, (int)(flags & ~(uint32_t)(O_CREAT | O_EXCL | O_TRUNC |
						  O_NOFOLLOW | O_ASYNC)) |
				O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "opening it again");
	*ret_fd = fd;
	return 0;
}

static int memfd_plan(
	const struct plan_view *view, struct object *object, struct err *err)
{
	(void)err;
	object_share(view, object, object->entry->memfd->inode_id + 1ull, 0);
	return 0;
}

static int memfd_load(struct restore *restore, struct err *err)
{
	return inodes_load(restore, err);
}

static int memory_find(struct restore *restore, const struct object *object,
	const MemfdInodeEntry **ret_inode, int *ret_memory, struct err *err)
{
	const MemfdFileEntry *memfd = object->entry->memfd;
	int code;

	code = inode_find(restore, memfd->inode_id, ret_inode, err);
	return code ? code
		    : memory_object_open(restore, *ret_inode, ret_memory, err);
}

static int memfd_make(struct restore *restore, struct object *object,
	int *ret_fd, struct err *err)
{
	const MemfdFileEntry *memfd = object->entry->memfd;
	const MemfdInodeEntry *inode;
	_cleanup_fd_ int fd = -1;
	int code, memory = -1;
	void **taken;

	code = memory_find(restore, object, &inode, &memory, err);
	if (code)
		return code;
	taken = book_slot(restore->arena, &restore->book, "memfd taken",
		memfd->inode_id, 0);
	if (!*taken && flags_are_first(memfd->flags)) {
		*taken = object;
		code = first_take(memory, memfd->flags, &fd, err);
	} else {
		code = again_open(memory, memfd->flags, &fd, err);
	}
	if (!code && memfd->pos && lseek(fd, (off_t)memfd->pos, SEEK_SET) < 0)
		code = err_errno(err, "seeking in it to %llu",
			(unsigned long long)memfd->pos);
	if (code)
		return err_wrap(err, "memory object %u", inode->shmid);
	*ret_fd = fd_take(&fd);
	return 0;
}

static int memfd_open_mapping(struct restore *restore,
	const struct object *object, int *ret_fd, struct err *err)
{
	const MemfdInodeEntry *inode;
	int code, memory = -1;

	code = memory_find(restore, object, &inode, &memory, err);
	if (code)
		return code;
	*ret_fd = fcntl(memory, F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? err_errno(err, "mapping memory object %u",
				     inode->shmid)
			   : 0;
}

static int memfd_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const MemfdFileEntry *memfd = object->entry->memfd;

	(void)err;
	if (holder->fd >= 0 && !(memfd->flags & O_PATH))
		fown_emit(tape, holder, memfd->fown, memfd->flags);
	return 0;
}

const struct kind kind_memfd = {
	.name = "memfd",
	.scope = SCOPE_FILE,
	.tag = FD_TYPES__MEMFD,
	.schema = &memfd_file_entry__descriptor,
	.claims = memfd_claims,
	.capture = memfd_capture,
	.key = memfd_key,
	.plan = memfd_plan,
	.load = memfd_load,
	.make = memfd_make,
	.open_mapping = memfd_open_mapping,
	.emit = memfd_emit,
};
