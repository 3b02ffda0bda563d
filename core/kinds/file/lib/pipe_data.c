/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/pipe_data.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "proto/pipes.pb-c.h"

/* Room for as many pieces as the other has, even if it is more than users
 * may have: pieces, not bytes, are what tee counts. */
static int room_set(int fd, int size, struct err *err)
{
	if (fcntl(fd, F_GETPIPE_SZ) == size ||
		fcntl(fd, F_SETPIPE_SZ, size) >= 0)
		return 0;
	if (errno != EPERM)
		return err_errno(err, "making a pipe %d bytes big", size);
	err_errno(err, "making a pipe %d bytes big", size);
	return err_hint(err, "raise /proc/sys/fs/pipe-max-size");
}

/* A copy of all that waits. A piece of a packet pipe ends each read. */
static int bytes_copy(int fd, int size, char *to, size_t n, struct err *err)
{
	_cleanup_fd_ int out = -1, in = -1;
	int ends[2], code;
	ssize_t got;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		return err_errno(err, "making a pipe");
	out = ends[0];
	in = ends[1];
	code = room_set(in, size, err);
	if (code)
		return code;
	got = tee(fd, in, INT_MAX, SPLICE_F_NONBLOCK);
	if (got != (ssize_t)n)
		return err_set(err, EIO,
			"it holds %zu bytes, of which %zd could be copied", n,
			got);
	got = read(out, to, n);
	if (got < 0)
		return err_errno(err, "reading what waits in a pipe");
	if ((size_t)got == n)
		return 0;
	err_set(err, EOPNOTSUPP,
		"it is a pipe of packets (O_DIRECT) and more than one waits "
		"in it");
	return err_hint(err, "dump at a moment when the reader has read them");
}

int pipe_data_capture(struct dump *dump, enum image_type type, uint32_t pipe_id,
	int fd, struct err *err)
{
	PipeDataEntry entry = PIPE_DATA_ENTRY__INIT;
	int size = fcntl(fd, F_GETPIPE_SZ), n = 0, code = 0;
	char *bytes = NULL;

	if (size < 0 || ioctl(fd, FIONREAD, &n))
		return err_errno(err, "asking how much waits in a pipe");
	if (n) {
		bytes = arena_alloc(dump->arena, (size_t)n);
		code = bytes_copy(fd, size, bytes, (size_t)n, err);
	}
	if (code)
		return code;
	entry.pipe_id = pipe_id;
	entry.bytes = (uint32_t)n;
	entry.has_size = true;
	entry.size = (uint32_t)size;
	return image_append(
		dump->images, type, 0, &entry.base, bytes, (size_t)n, err);
}

static const char *list_name(enum image_type type)
{
	return type == IMAGE_FIFO_DATA ? "fifo data" : "pipe data";
}

int pipe_data_prepare(
	struct restore *restore, enum image_type type, struct err *err)
{
	const char *name = list_name(type);
	void **loaded = book_slot(restore->arena, &restore->book, name, 0, 1);
	const PipeDataEntry *entry;
	struct image_list list;
	int code;

	if (*loaded)
		return 0;
	code = image_load(restore->images, type, 0, &list, err);
	if (code)
		return code;
	for (size_t i = 0; i < list.n; i++) {
		entry = (const PipeDataEntry *)list.at[i].msg;
		*book_slot(restore->arena, &restore->book, name, entry->pipe_id,
			0) = &list.at[i];
	}
	*loaded = restore;
	return 0;
}

/* NULL: the image has none of that pipe. */
static int data_find(struct restore *restore, enum image_type type,
	uint32_t pipe_id, const struct image_item **ret, struct err *err)
{
	int code = pipe_data_prepare(restore, type, err);

	if (!code)
		*ret = *book_slot(restore->arena, &restore->book,
			list_name(type), pipe_id, 0);
	return code;
}

static int bytes_fill(
	const struct image_item *item, int fd, bool packets, struct err *err)
{
	int flags = fcntl(fd, F_GETFL), wanted = flags | O_NONBLOCK;
	int code;

	if (packets && item->payload_size <= PIPE_BUF)
		wanted |= O_DIRECT;
	else
		wanted &= ~O_DIRECT;
	if (fcntl(fd, F_SETFL, wanted))
		return err_errno(err, "filling a pipe");
	code = io_write_all(fd, item->payload, item->payload_size);
	if (code)
		return err_code(err, code, "putting %zu bytes into a pipe",
			item->payload_size);
	if (fcntl(fd, F_SETFL, flags))
		return err_errno(err, "filling a pipe");
	return 0;
}

int pipe_data_fill(struct restore *restore, enum image_type type,
	uint32_t pipe_id, int fd, bool packets, struct err *err)
{
	const struct image_item *item;
	const PipeDataEntry *entry;
	int code;

	code = data_find(restore, type, pipe_id, &item, err);
	if (code || !item)
		return code;
	entry = (const PipeDataEntry *)item->msg;
	if (entry->has_size && entry->size > INT_MAX)
		return err_set(err, EBADMSG,
			"the image asks for a pipe of %u bytes", entry->size);
	if (entry->has_size)
		code = room_set(fd, (int)entry->size, err);
	if (!code && entry->bytes)
		code = bytes_fill(item, fd, packets, err);
	return code;
}
