/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set that goes out as a stream: its files, and last what makes it whole. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/set_state.h"
#include "image/stream.h"

enum { PIECE = 64 << 10 };

int image_set_create_stream(struct arena *arena, int dir_fd,
	struct stream *stream, struct image_set **ret_set, struct err *err)
{
	int code = image_set_create(arena, dir_fd, ret_set, err);

	if (!code)
		(*ret_set)->stream = stream;
	return code;
}

static int file_stream(struct image_set *set, const char *name, struct err *err)
{
	_cleanup_fd_ int fd = openat(set->temp, name, O_RDONLY | O_CLOEXEC);
	char room[PIECE];
	struct stat stat;
	ssize_t got = 1;
	int code;

	if (fd < 0 || fstat(fd, &stat))
		return err_errno(err, "reading %s again", name);
	code = stream_file(set->stream, name, (uint64_t)stat.st_size, err);
	while (!code && (got = read(fd, room, sizeof(room))) > 0)
		code = stream_put(set->stream, room, (size_t)got, err);
	if (got < 0)
		return err_errno(err, "reading %s again", name);
	return code ?: stream_file_end(set->stream, err);
}

int image_files_stream(struct image_set *set, struct err *err)
{
	const struct image_file *file;
	char name[IMAGE_NAME_MAX];
	int code = 0;

	for (size_t i = 0; i < set->files.n && !code; i++) {
		file = set->files.at[i];
		if (file->dropped || file->streamed ||
			file->type == IMAGE_INVENTORY)
			continue;
		image_name(name, file->type, file->id);
		code = file_stream(set, name, err);
	}
	return code;
}

int image_set_stream_end(struct image_set *set, struct err *err)
{
	char name[IMAGE_NAME_MAX];
	int code = 0;

	image_name(name, IMAGE_INVENTORY, 0);
	if (image_file_find(set, IMAGE_INVENTORY, 0))
		code = file_stream(set, name, err);
	image_name(name, IMAGE_MANIFEST, 0);
	code = code ?: file_stream(set, name, err);
	code = code ?: stream_end(set->stream, err);
	image_set_abort(set);
	return code ? err_wrap(err, "writing the images") : 0;
}
