/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/ghost.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "kinds/file/lib/attributes.h"
#include "kinds/file/lib/ghost_link.h"
#include "kinds/file/lib/ghost_place.h"
#include "proto/paths.pb-c.h"
#include "proto/time.pb-c.h"

enum {
	WHOLE_BELOW = 12 << 10, /* smaller ones follow as they are */
	CHUNK = 1 << 20,
	REMAP_IS_GHOST = 1u << 31, /* in ids of older images */
};

static Timeval *time_capture(struct arena *arena, const struct timespec *from)
{
	Timeval *to = arena_new1(arena, Timeval);

	timeval__init(to);
	to->tv_sec = (uint64_t)from->tv_sec;
	to->tv_usec = (uint64_t)from->tv_nsec / 1000;
	return to;
}

static int chunk_capture(struct dump *dump, uint32_t ghost, int fd,
	uint64_t from, uint64_t end, struct err *err)
{
	_cleanup_arena_ struct arena *arena = arena_new_below(dump->arena);
	GhostChunkEntry chunk = GHOST_CHUNK_ENTRY__INIT;
	char *bytes = arena_alloc(arena, CHUNK);
	int code = 0;

	for (; from < end && !code; from += chunk.len) {
		chunk.off = from;
		chunk.len = end - from < CHUNK ? end - from : CHUNK;
		code = io_pread_exact(fd, bytes, chunk.len, (off_t)from);
		if (code)
			return err_code(err, code, "reading its content");
		code = image_append(dump->images, IMAGE_GHOST_FILE, ghost,
			&chunk.base, bytes, chunk.len, err);
	}
	return code;
}

static int chunks_capture(struct dump *dump, uint32_t ghost, int fd,
	uint64_t size, struct err *err)
{
	off_t data = 0, hole = 0;
	int code = 0;

	while (!code && (uint64_t)hole < size) {
		data = lseek(fd, hole, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			return err_errno(err, "looking for its data");
		code = chunk_capture(dump, ghost, fd, (uint64_t)data,
			(uint64_t)hole < size ? (uint64_t)hole : size, err);
	}
	return code;
}

static int content_capture(struct dump *dump, const struct sighting *sighting,
	uint32_t ghost, int fd, struct err *err)
{
	const struct stat *stat = &sighting->stat;
	GhostFileEntry entry = GHOST_FILE_ENTRY__INIT;
	char whole[WHOLE_BELOW];
	size_t size = 0;
	int code = 0;

	entry.uid = stat->st_uid;
	entry.gid = stat->st_gid;
	entry.mode = stat->st_mode;
	entry.has_dev = entry.has_ino = true;
	entry.dev = major(stat->st_dev) << 20 | minor(stat->st_dev);
	entry.ino = stat->st_ino;
	entry.atim = time_capture(dump->arena, &stat->st_atim);
	entry.mtim = time_capture(dump->arena, &stat->st_mtim);
	code = attributes_capture(dump->arena, sighting->fd,
		&entry.stasis_attribute, &entry.n_stasis_attribute, err);
	if (code)
		return code;
	if (S_ISLNK(stat->st_mode)) {
		code = ghost_link_read(dump->arena, fd, &entry.symlnk_target);
	} else if (S_ISDIR(stat->st_mode)) {
		size = 0;
	} else if (stat->st_size >= WHOLE_BELOW) {
		entry.has_chunks = entry.chunks = true;
		entry.has_size = true;
		entry.size = (uint64_t)stat->st_size;
	} else {
		size = (size_t)stat->st_size;
		code = io_pread_exact(fd, whole, size, 0);
	}
	if (code)
		return err_code(err, code, "reading its content");
	code = image_append(dump->images, IMAGE_GHOST_FILE, ghost, &entry.base,
		whole, size, err);
	if (!code && entry.chunks)
		code = chunks_capture(dump, ghost, fd, entry.size, err);
	return code;
}

static int limit_check(
	const struct dump *dump, const struct stat *stat, struct err *err)
{
	uint64_t limit = dump->run->opt->ghost_limit;
	uint64_t size = (uint64_t)stat->st_blocks * 512;

	/* What holes take is nothing, and what compression saves is not. */
	if (size > (uint64_t)stat->st_size)
		size = (uint64_t)stat->st_size;
	if (size <= limit)
		return 0;
	err_set(err, EFBIG,
		"it was deleted while it is open, and its %llu bytes are more "
		"than the %llu that may be stored with the image",
		(unsigned long long)size, (unsigned long long)limit);
	return err_hint(err, "allow more with --ghost-limit");
}

static int ghost_store(struct dump *dump, const struct sighting *sighting,
	uint32_t ghost, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	char link[32];
	int code;

	code = limit_check(dump, &sighting->stat, err);
	if (code)
		return code;
	if (S_ISDIR(sighting->stat.st_mode))
		return content_capture(dump, sighting, ghost, -1, err);
	if (S_ISLNK(sighting->stat.st_mode))
		return content_capture(
			dump, sighting, ghost, sighting->fd, err);
	/* The victim's own opening may be for writing alone. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", sighting->fd);
	fd = open(link, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "opening it to store its content");
	return content_capture(dump, sighting, ghost, fd, err);
}

int ghost_capture(struct dump *dump, const struct sighting *sighting,
	uint32_t id, struct err *err)
{
	RemapFilePathEntry remap = REMAP_FILE_PATH_ENTRY__INIT;
	void **known = book_slot(dump->arena, &dump->book, "ghost",
		sighting->stat.st_dev, sighting->stat.st_ino);
	void **last = book_slot(dump->arena, &dump->book, "ghosts", 0, 0);
	int code;

	if (!*known) {
		code = ghost_store(
			dump, sighting, (uint32_t)(uintptr_t)*last + 1, err);
		if (code)
			return code;
		*last = (char *)*last + 1;
		*known = *last;
	}
	*vec_push(dump->arena, &dump->deleted) = id;
	remap.orig_id = id;
	remap.remap_id = (uint32_t)(uintptr_t)*known;
	remap.has_remap_type = true;
	remap.remap_type = REMAP_TYPE__GHOST;
	return image_append(
		dump->images, IMAGE_REMAP_FPATH, 0, &remap.base, NULL, 0, err);
}

/* All remaps, once, by the file entry that they are for. */
static int remaps_load(struct restore *restore, struct err *err)
{
	void **loaded =
		book_slot(restore->arena, &restore->book, "remaps", 0, 0);
	struct image_list list;
	RemapFilePathEntry *remap;
	int code;

	if (*loaded)
		return 0;
	code = image_load(restore->images, IMAGE_REMAP_FPATH, 0, &list, err);
	if (code)
		return code;
	for (size_t i = 0; i < list.n; i++) {
		remap = (RemapFilePathEntry *)list.at[i].msg;
		*book_slot(restore->arena, &restore->book, "remap",
			remap->orig_id, 0) = remap;
	}
	*loaded = restore;
	return 0;
}

int ghost_find(struct restore *restore, uint32_t id, uint32_t *ret_ghost,
	struct err *err)
{
	int code = remaps_load(restore, err);
	RemapFilePathEntry *remap;

	if (code)
		return code;
	remap = *book_slot(restore->arena, &restore->book, "remap", id, 0);
	if (!remap) {
		*ret_ghost = 0;
		return 0;
	}
	if (remap->has_remap_type ? remap->remap_type != REMAP_TYPE__GHOST
				  : !(remap->remap_id & REMAP_IS_GHOST))
		return err_set(err, EOPNOTSUPP,
			"it was deleted, and the image tells %s instead of "
			"its content, which cannot be restored yet",
			remap->remap_type == REMAP_TYPE__PROCFS
				? "a process that it belonged to"
				: "another link to it");
	*ret_ghost = remap->remap_id & ~(uint32_t)REMAP_IS_GHOST;
	if (!*ret_ghost)
		return err_set(err, EBADMSG,
			"it was deleted, and remap-fpath.img names no file "
			"with its content");
	return 0;
}

/* A new file that has the name for a moment. */
static int name_borrow(struct restore *restore, int dir, const char *base,
	int *ret_fd, struct err *err)
{
	struct undo *undo = restore->run->undo;
	struct stat stat;
	undo_line line;
	int fd, code;

	code = undo_note_file(undo, dir, base, &line, err);
	if (code)
		return code;
	fd = openat(dir, base, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		code = err_errno(err, "making the deleted file '%s'", base);
	else if (unlinkat(dir, base, 0))
		code = err_errno(err, "deleting '%s' again", base);
	else if (fstat(fd, &stat) || stat.st_nlink)
		code = err_set(
			err, EAGAIN, "'%s' was moved while it was made", base);
	undo_done(undo, line);
	if (!code)
		*ret_fd = fd;
	else if (fd >= 0)
		close(fd);
	return code;
}

/* A new folder that has the name for a moment. */
static int folder_borrow(struct restore *restore, int dir, const char *base,
	int *ret_fd, struct err *err)
{
	struct undo *undo = restore->run->undo;
	undo_line line;
	int fd, code;

	code = undo_note_folder(undo, dir, base, &line, err);
	if (code)
		return code;
	if (mkdirat(dir, base, 0700)) {
		code = err_errno(err, "making the deleted folder '%s'", base);
		undo_done(undo, line);
		return code;
	}
	fd = openat(dir, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		code = err_errno(err, "opening the deleted folder '%s'", base);
	if (unlinkat(dir, base, AT_REMOVEDIR) && !code)
		code = err_errno(err, "deleting '%s' again", base);
	undo_done(undo, line);
	if (!code)
		*ret_fd = fd;
	else if (fd >= 0)
		close(fd);
	return code;
}

/* What O_TMPFILE makes is called "#" and its inode, and may get a name yet. */
static bool was_temporary(const GhostFileEntry *entry, const char *base)
{
	char name[32];

	snprintf(name, sizeof(name), "#%llu", (unsigned long long)entry->ino);
	return entry->has_ino && strcmp(base, name) == 0;
}

static int any_borrow(struct restore *restore, const GhostFileEntry *entry,
	int dir, const char *base, int *ret_fd, struct err *err)
{
	if (S_ISLNK(entry->mode))
		return ghost_link_borrow(
			restore->run->undo, dir, base, entry, ret_fd, err);
	return S_ISDIR(entry->mode)
		       ? folder_borrow(restore, dir, base, ret_fd, err)
		       : name_borrow(restore, dir, base, ret_fd, err);
}

/* A new file without a name. */
static int nameless_make(struct restore *restore, const char *name,
	const GhostFileEntry *entry, uint32_t ghost, int *ret_fd,
	struct err *err)
{
	char *folder = arena_strdup(restore->arena, name), temporary[48];
	char *slash = strrchr(folder, '/');
	struct ghost_place place;
	const char *base;
	int code, fd = -1;

	if (!slash)
		return err_set(err, EBADMSG, "'%s' is no absolute path", name);
	*slash = '\0';
	base = slash + 1;
	code = ghost_place_open(restore, folder, &place, err);
	if (code)
		return err_wrap(err, "the deleted file '%s'", name);
	if (S_ISREG(entry->mode) && was_temporary(entry, base))
		fd = openat(
			place.dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	snprintf(temporary, sizeof(temporary), ".stasis-ghost-%d-%x",
		(int)getpid(), ghost);
	/* Not every file system has such files. */
	if (fd < 0)
		code = any_borrow(restore, entry, place.dir, base, &fd, err);
	if (code == -EEXIST)
		code = any_borrow(
			restore, entry, place.dir, temporary, &fd, err);
	ghost_place_close(&place);
	if (!code)
		*ret_fd = fd;
	return code;
}

static struct timespec time_restore(const Timeval *from)
{
	if (!from)
		return (struct timespec){.tv_nsec = UTIME_OMIT};
	return (struct timespec){
		(time_t)from->tv_sec, (long)(from->tv_usec % 1000000) * 1000};
}

static int content_restore(const struct image_list *list, const char *name,
	int fd, struct err *err)
{
	const GhostFileEntry *entry = (GhostFileEntry *)list->at[0].msg;
	const GhostChunkEntry *chunk;
	struct timespec times[2];
	int code;

	if (S_ISLNK(entry->mode))
		return 0;
	code = S_ISDIR(entry->mode) ? 0
				    : io_pwrite_all(fd, list->at[0].payload,
					      list->at[0].payload_size, 0);
	if (!code && entry->chunks && S_ISREG(entry->mode) &&
		ftruncate(fd, (off_t)entry->size))
		code = -errno;
	for (size_t i = 1; i < list->n && !code && S_ISREG(entry->mode); i++) {
		chunk = (GhostChunkEntry *)list->at[i].msg;
		code = io_pwrite_all(
			fd, list->at[i].payload, chunk->len, (off_t)chunk->off);
	}
	times[0] = time_restore(entry->atim);
	times[1] = time_restore(entry->mtim);
	if (!code &&
		(fchown(fd, entry->uid, entry->gid) ||
			fchmod(fd, entry->mode & 07777) || futimens(fd, times)))
		code = -errno;
	if (code)
		return err_code(
			err, code, "filling the deleted file '%s'", name);
	code = attributes_restore(
		fd, entry->stasis_attribute, entry->n_stasis_attribute, err);
	return code ? err_wrap(err, "the deleted file '%s'", name) : 0;
}

/* Whole and nameless; *ret_fd is open for reading and writing, of a link it
 * is as it was. */
static int ghost_make(struct restore *restore, const RegFileEntry *reg,
	uint32_t ghost, int *ret_fd, struct err *err)
{
	struct image_list list;
	const GhostFileEntry *entry;
	_cleanup_fd_ int fd = -1;
	int code;

	code = image_load(restore->images, IMAGE_GHOST_FILE, ghost, &list, err);
	if (code)
		return code;
	if (!list.n)
		return err_set(err, EBADMSG,
			"the content of the deleted file '%s' is not in the "
			"image",
			reg->name);
	entry = (GhostFileEntry *)list.at[0].msg;
	if (!S_ISREG(entry->mode) && !S_ISDIR(entry->mode) &&
		!S_ISLNK(entry->mode))
		return err_set(err, EOPNOTSUPP,
			"the deleted file '%s' is no regular file, no folder "
			"and no symbolic link",
			reg->name);
	code = nameless_make(restore, reg->name, entry, ghost, &fd, err);
	if (!code)
		code = content_restore(&list, reg->name, fd, err);
	if (!code)
		*ret_fd = fd_take(&fd);
	return code;
}

int ghost_open(struct restore *restore, const RegFileEntry *reg, uint32_t ghost,
	int flags, int *ret_fd, struct err *err)
{
	/* The first opening of it, through which the others are made. */
	void **first =
		book_slot(restore->arena, &restore->book, "ghost", ghost, 0);
	struct object *object = *first;
	_cleanup_fd_ int made = -1;
	char link[32];
	int code, fd;

	if (!object || object->shelf_fd < 0) {
		code = ghost_make(restore, reg, ghost, &made, err);
		if (code)
			return code;
		*first = objects_find(&restore->objects, reg->id);
	}
	if (reg->has_mode && S_ISLNK(reg->mode))
		return ghost_link_open(made >= 0 ? made : object->shelf_fd,
			reg->name, ret_fd, err);
	snprintf(link, sizeof(link), "/proc/self/fd/%d",
		made >= 0 ? made : object->shelf_fd);
	fd = open(link, (flags & ~(O_NOFOLLOW | O_EXCL)) | O_CLOEXEC);
	if (fd < 0)
		return err_errno(
			err, "opening the deleted file '%s'", reg->name);
	*ret_fd = fd;
	return 0;
}
