/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fifo: a pipe that has a name. The format tells it as two entries: this one,
 * and one of a regular file for path and flags.
 *
 * Its other end may be anybody's: whoever wants it opens it by name.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "kinds/file/lib/fown.h"
#include "kinds/file/lib/path.h"
#include "kinds/file/lib/pipe_data.h"
#include "kinds/table.h"

static bool fifo_claims(const struct sighting *sighting)
{
	return S_ISFIFO(sighting->stat.st_mode) && sighting->fd_number >= 0 &&
	       !(sighting->info.flags & O_PATH) && path_is_named(sighting);
}

static int path_entry_capture(struct dump *dump,
	const struct sighting *sighting, uint32_t id, struct err *err)
{
	FileEntry entry = FILE_ENTRY__INIT;
	int code;

	entry.type = FD_TYPES__REG;
	entry.id = id;
	code = path_capture(dump, sighting, id, &entry.reg, err);
	/* Emitting sees the other entry only. */
	if (!code && (entry.reg->fown->pid || entry.reg->flags & O_ASYNC)) {
		err_set(err, EOPNOTSUPP,
			"it is a FIFO that sends a signal when it becomes "
			"ready (O_ASYNC or F_SETOWN), which cannot be dumped "
			"yet");
		return err_hint(err, "have the program take O_ASYNC and the "
				     "owner away (F_SETFL, F_SETOWN 0), or "
				     "close it, before the checkpoint");
	}
	return code ? code
		    : image_append(dump->images, IMAGE_FILES, 0, &entry.base,
			      NULL, 0, err);
}

static int fifo_capture(struct dump *dump, const struct sighting *sighting,
	void *msg, struct err *err)
{
	FifoEntry *fifo = arena_new1(dump->arena, FifoEntry);
	ino_t ino = sighting->stat.st_ino;
	void **stored = book_slot(dump->arena, &dump->book, "fifo", ino, 0);
	FileEntry *entry = msg;
	int code;

	fifo_entry__init(fifo);
	entry->type = FD_TYPES__FIFO;
	entry->fifo = fifo;
	fifo->id = entry->id;
	fifo->pipe_id = (uint32_t)ino;
	fifo->has_regf_id = true;
	fifo->regf_id = dump_file_id(dump);
	code = path_entry_capture(dump, sighting, fifo->regf_id, err);
	/* Without a reader in the tree what waits in it is for others. */
	if (!code && !*stored &&
		(sighting->info.flags & O_ACCMODE) != O_WRONLY) {
		*stored = fifo;
		code = pipe_data_capture(dump, IMAGE_FIFO_DATA, fifo->pipe_id,
			sighting->fd, err);
	}
	return code;
}

/* Path and flags of it; NULL: the image is damaged. */
static const RegFileEntry *entry_find(
	const struct objects *objects, const struct object *object)
{
	const FifoEntry *fifo = object->entry->fifo;
	const struct object *path = objects_find(
		objects, fifo->has_regf_id ? fifo->regf_id : fifo->id);

	return path ? path->entry->reg : NULL;
}

static int fifo_check(const RegFileEntry *reg, int fd, struct err *err)
{
	struct stat stat;

	if (fstat(fd, &stat))
		return err_errno(err, "looking at '%s'", reg->name);
	if (!S_ISFIFO(stat.st_mode))
		return err_set(err, EINVAL, "'%s' is no FIFO now", reg->name);
	return 0;
}

static int fifo_make(struct restore *restore, struct object *object,
	int *ret_fd, struct err *err)
{
	const FifoEntry *fifo = object->entry->fifo;
	const RegFileEntry *reg = entry_find(&restore->objects, object);
	_cleanup_fd_ int found = -1, both = -1;
	void **filled;
	int code = 0;

	if (!reg)
		return err_set(
			err, EBADMSG, "files.img has no path for this FIFO");
	/* Opening one end waits for the other, unless it is here. */
	code = path_find(restore, reg, &found, err) ?:
	       fifo_check(reg, found, err) ?:
	       path_open_found(restore, reg, found, O_RDWR | O_NONBLOCK, &both,
		       err) ?:
	       path_open(restore, reg, 0, ret_fd, err);
	if (code)
		return code;
	filled = book_slot(
		restore->arena, &restore->book, "fifo", fifo->pipe_id, 0);
	if (*filled)
		return 0;
	*filled = object;
	code = pipe_data_fill(restore, IMAGE_FIFO_DATA, fifo->pipe_id, both,
		reg->flags & O_DIRECT, err);
	if (code)
		close(*ret_fd);
	return code;
}

const struct kind kind_fifo = {
	.name = "FIFO",
	.scope = SCOPE_FILE,
	.tag = FD_TYPES__FIFO,
	.schema = &fifo_entry__descriptor,
	.claims = fifo_claims,
	.capture = fifo_capture,
	.make = fifo_make,
};
