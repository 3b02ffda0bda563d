/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reading end of a set in one pipe. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "image/magic.h"
#include "image/stream.h"
#include "image/stream_format.h"

enum { PIECE = 1 << 20, FILES_MAX = 1 << 22 };

static const char manifest_name[] = "stasis.img";

static int cut_off(struct err *err)
{
	err_set(err, EPIPE,
		"the images are cut off: their stream ends in the middle");
	return err_hint(err, "the dump at the other end has failed, or the "
			     "connection; nothing was made of them");
}

/* *ret < size: the end. */
static int some_take(struct stream *stream, void *to, size_t size, size_t *ret,
	struct err *err)
{
	size_t have = 0;
	ssize_t got;
	int code;

	while (have < size) {
		code = stream_await(stream, stream->fd, POLLIN, err);
		if (code)
			return code;
		got = read(stream->fd, (char *)to + have, size - have);
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			return err_errno(err, "reading the stream of images");
		if (!got)
			break;
		have += got > 0 ? (size_t)got : 0;
	}
	*ret = have;
	return 0;
}

static int bytes_take(
	struct stream *stream, void *to, size_t size, struct err *err)
{
	size_t got = 0;
	int code = some_take(stream, to, size, &got, err);

	if (code)
		return code;
	return got < size ? cut_off(err) : 0;
}

static int wrong(const char *what, struct err *err)
{
	err_set(err, EBADMSG, "the stream of images is damaged: %s", what);
	return err_hint(err, "nothing was made of it");
}

/* Only names that a set has: none leads out of the directory. */
static int name_take(struct stream *stream, const struct stream_head *head,
	char *name, struct err *err)
{
	uint32_t size = le32toh(head->name_size);
	enum image_type type;
	uint64_t id;
	int code;

	if (!size || size >= IMAGE_NAME_MAX)
		return wrong("a file's name is too long", err);
	code = bytes_take(stream, name, size, err);
	if (code)
		return code;
	name[size] = '\0';
	if (strlen(name) == size && (!strcmp(name, manifest_name) ||
					    image_name_parse(name, &type, &id)))
		return 0;
	return wrong("it has a file that no image set has", err);
}

static int file_receive(struct stream *stream, int dir, const char *name,
	uint64_t size, char *room, struct err *err)
{
	_cleanup_fd_ int fd = openat(dir, name,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	size_t now;
	int code = 0;

	if (fd < 0 && errno == EEXIST)
		return wrong("a file comes twice", err);
	if (fd < 0)
		return err_errno(err, "making %s", name);
	for (; size && !code; size -= now) {
		now = size < PIECE ? (size_t)size : PIECE;
		code = bytes_take(stream, room, now, err);
		if (code)
			return code;
		code = io_write_all(fd, room, now);
		if (code)
			err_code(err, code, "writing %s", name);
	}
	return code;
}

static int files_receive(
	struct stream *stream, int dir, char *room, struct err *err)
{
	char name[IMAGE_NAME_MAX] = "";
	struct stream_head head;
	int code;

	for (;;) {
		code = bytes_take(stream, &head, sizeof(head), err);
		if (code)
			return code;
		if (le32toh(head.mark) != STREAM_FILE)
			break;
		if (++stream->files > FILES_MAX)
			return wrong("it has too many files", err);
		code = name_take(stream, &head, name, err)
			       ?: file_receive(stream, dir, name,
					  le64toh(head.size), room, err);
		if (code)
			return code;
	}
	if (le32toh(head.mark) != STREAM_WHOLE || head.name_size ||
		le64toh(head.size) != stream->files ||
		strcmp(name, manifest_name) != 0)
		return wrong("its end does not fit its files", err);
	return 0;
}

int stream_receive(struct stream *stream, int dir, struct err *err)
{
	char start[STREAM_BEGINNING_SIZE], *room;
	int code;

	if (isatty(stream->fd)) {
		err_set(err, EINVAL, "images are nothing to be typed in");
		return err_hint(err, "lead them through a pipe: stasis dump -D "
				     "- ... | ssh HOST stasis restore -D -");
	}
	code = bytes_take(stream, start, sizeof(start), err);
	if (code)
		return code;
	if (memcmp(start, STREAM_BEGINNING, sizeof(start)) != 0) {
		err_set(err, EBADMSG, "what comes in is no stream of images");
		return err_hint(err, "it must come from 'stasis dump -D -'");
	}
	room = malloc(PIECE);
	if (!room)
		return err_set(err, ENOMEM, "no memory to read images");
	code = files_receive(stream, dir, room, err);
	free(room);
	return code;
}

int stream_receive_done(struct stream *stream, bool *ret, struct err *err)
{
	struct stream_head head = {0};
	size_t got = 0;
	int code = some_take(stream, &head, sizeof(head), &got, err);

	if (!code)
		*ret = got == sizeof(head) && le32toh(head.mark) == STREAM_DONE;
	return code;
}
