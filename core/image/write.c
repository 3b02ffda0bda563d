/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/set.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/place.h"
#include "image/digest.h"
#include "image/set_state.h"
#include "image/stream.h"

static size_t file_hash(enum image_type type, uint64_t id)
{
	return (size_t)((id * 0x9e3779b97f4a7c15ull) ^ ((uint64_t)type << 7)) *
	       31;
}

/* Where a file is or would be in the table of slots. */
static uint32_t *slot_find(
	const struct image_set *set, enum image_type type, uint64_t id)
{
	size_t at = file_hash(type, id) & (set->n_slots - 1);
	const struct image_file *file;

	for (;; at = (at + 1) & (set->n_slots - 1)) {
		if (!set->slots[at])
			return &set->slots[at];
		file = set->files.at[set->slots[at] - 1];
		if (file->type == type && file->id == id)
			return &set->slots[at];
	}
}

static void slots_grow(struct image_set *set)
{
	const struct image_file *file;

	if (set->files.n * 2 < set->n_slots)
		return;
	set->n_slots = set->n_slots ? set->n_slots * 4 : 256;
	set->slots = arena_newn(set->arena, uint32_t, set->n_slots);
	for (size_t i = 0; i < set->files.n; i++) {
		file = set->files.at[i];
		*slot_find(set, file->type, file->id) = (uint32_t)i + 1;
	}
}

struct image_file *image_file_find(
	const struct image_set *set, enum image_type type, uint64_t id)
{
	uint32_t slot = set->n_slots ? *slot_find(set, type, id) : 0;
	struct image_file *file = slot ? set->files.at[slot - 1] : NULL;

	return file && !file->dropped ? file : NULL;
}

int image_file_temp(struct image_set *set, struct err *err)
{
	int fd;

	if (set->temp >= 0)
		return 0;
	fd = place_new_dir(set->dir, set->temp_name);
	if (fd < 0) {
		err_code(err, fd, "making a directory in the %s directory",
			set->stream ? "work" : "image");
		return fd == -EPERM || fd == -ELOOP || fd == -ENOTDIR
			       ? err_hint(err, "another user who can write "
					       "there seems to play with it")
			       : fd;
	}
	set->temp = fd;
	return 0;
}

/* The fd of a file in the hidden directory; made at the first call. */
static int file_open(struct image_set *set, struct image_file *file, int flags,
	int *ret_fd, struct err *err)
{
	char name[IMAGE_NAME_MAX];
	int fd;
	int code;

	code = image_file_temp(set, err);
	if (code < 0)
		return code;
	image_name(name, file->type, file->id);
	fd = openat(set->temp, name, flags | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, "creating %s", name);
	file->on_disk = true;
	*ret_fd = fd;
	return 0;
}

/* The buffer as one more chunk of the file. */
static int file_flush(
	struct image_set *set, struct image_file *file, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	char name[IMAGE_NAME_MAX];
	int ret;

	ret = file_open(set, file, O_WRONLY | O_APPEND, &fd, err);
	if (ret < 0)
		return ret;
	ret = io_write_all(fd, file->bytes, file->used);
	if (ret < 0) {
		image_name(name, file->type, file->id);
		return err_code(err, ret, "writing %s", name);
	}
	*vec_push(set->arena, &file->chunks) =
		digest_chunk(file->bytes, file->used);
	file->used = 0;
	return 0;
}

static int file_no_memory(
	const struct image_file *file, size_t size, struct err *err)
{
	char name[IMAGE_NAME_MAX];

	image_name(name, file->type, file->id);
	return err_set(
		err, ENOMEM, "writing %s: no %zu bytes of memory", name, size);
}

static int file_reserve(struct image_file *file, size_t size, struct err *err)
{
	size_t room = file->room ?: 1024;
	char *bytes;

	while (room < file->used + size)
		room *= 2;
	if (room > DIGEST_CHUNK)
		room = DIGEST_CHUNK;
	if (room == file->room)
		return 0;
	bytes = realloc(file->bytes, room);
	if (!bytes)
		return file_no_memory(file, room, err);
	file->bytes = bytes;
	file->room = room;
	return 0;
}

static int file_put(struct image_set *set, struct image_file *file,
	const void *bytes, size_t size, struct err *err)
{
	const char *from = bytes;
	size_t now;
	int code = 0;

	while (size) {
		if (file->used == DIGEST_CHUNK)
			code = file_flush(set, file, err);
		if (code < 0)
			return code;
		now = DIGEST_CHUNK - file->used;
		if (now > size)
			now = size;
		code = file_reserve(file, now, err);
		if (code)
			return code;
		memcpy(file->bytes + file->used, from, now);
		file->used += now;
		file->size += now;
		from += now;
		size -= now;
	}
	return 0;
}

int image_file_finish(
	struct image_set *set, struct image_file *file, struct err *err)
{
	int code = 0;

	if (file->finished)
		return 0;
	/* A file of no bytes has one chunk and exists. */
	if (file->used || !file->chunks.n)
		code = file_flush(set, file, err);
	if (code < 0)
		return code;
	file->digest = digest_join(file->chunks.at, file->chunks.n);
	file->finished = true;
	free(file->bytes);
	file->bytes = NULL;
	file->room = 0;
	return 0;
}

/* The file, new if it is; a new image begins with its magic words. */
static int file_get(struct image_set *set, enum image_type type, uint64_t id,
	struct image_file **ret_file, struct err *err)
{
	const struct image_form *form = image_form(type);
	struct image_file *file = image_file_find(set, type, id);
	int code = 0;

	if (file) {
		*ret_file = file;
		return 0;
	}
	slots_grow(set);
	file = arena_new1(set->arena, struct image_file);
	file->type = type;
	file->id = id;
	*vec_push(set->arena, &set->files) = file;
	*slot_find(set, type, id) = (uint32_t)set->files.n;
	if (form->common)
		code = file_put(set, file, &form->common, 4, err);
	if (!code && form->magic)
		code = file_put(set, file, &form->magic, 4, err);
	if (code < 0)
		return code;
	*ret_file = file;
	return 0;
}

static int file_wrong(
	enum image_type type, uint64_t id, const char *what, struct err *err)
{
	char name[IMAGE_NAME_MAX];

	image_name(name, type, id);
	return err_set(err, EINVAL, "writing %s: %s", name, what);
}

static int record_put(struct image_set *set, struct image_file *file,
	const ProtobufCMessage *msg, struct err *err)
{
	size_t size = protobuf_c_message_get_packed_size(msg);
	uint32_t word = (uint32_t)size;
	uint8_t small[4096], *packed = small;
	int ret;

	/* Other readers take the size as a signed number. */
	if (size > INT_MAX)
		return file_wrong(file->type, file->id,
			"a record has more than 2 GiB", err);
	ret = file_put(set, file, &word, sizeof(word), err);
	if (ret < 0)
		return ret;
	if (size > sizeof(small) && !(packed = malloc(size)))
		return file_no_memory(file, size, err);
	protobuf_c_message_pack(msg, packed);
	ret = file_put(set, file, packed, size, err);
	if (packed != small)
		free(packed);
	return ret;
}

int image_append(struct image_set *set, enum image_type type, uint64_t id,
	const ProtobufCMessage *msg, const void *payload, size_t payload_size,
	struct err *err)
{
	struct image_file *file;
	int code;

	code = file_get(set, type, id, &file, err);
	if (code < 0)
		return code;
	if (msg->descriptor != image_message(type, file->records))
		return file_wrong(
			type, id, "a record of another image was given", err);
	code = record_put(set, file, msg, err);
	if (code < 0)
		return code;
	file->records++;
	return file_put(set, file, payload, payload_size, err);
}

int image_touch(struct image_set *set, enum image_type type, uint64_t id,
	struct err *err)
{
	struct image_file *file;

	return file_get(set, type, id, &file, err);
}

int image_raw_append(struct image_set *set, enum image_type type, uint64_t id,
	const void *bytes, size_t size, struct err *err)
{
	struct image_file *file;
	int code;

	if (image_form(type)->message)
		return file_wrong(type, id, "it is made of records", err);
	code = file_get(set, type, id, &file, err);
	if (code < 0)
		return code;
	if (file->by_fd)
		return file_wrong(type, id, "it is written by its fd", err);
	return file_put(set, file, bytes, size, err);
}

int image_raw_create(struct image_set *set, enum image_type type, uint64_t id,
	int *ret_fd, struct err *err)
{
	struct image_file *file;
	int code;

	if (image_form(type)->message)
		return file_wrong(type, id, "it is made of records", err);
	if (image_file_find(set, type, id))
		return file_wrong(type, id, "it is there already", err);
	code = file_get(set, type, id, &file, err);
	if (code < 0)
		return code;
	file->by_fd = true;
	return file_open(set, file, O_RDWR, ret_fd, err);
}

int image_raw_stream(struct image_set *set, enum image_type type, uint64_t id,
	uint64_t size, struct err *err)
{
	char name[IMAGE_NAME_MAX];
	struct image_file *file;
	int code;

	if (image_file_find(set, type, id))
		return file_wrong(type, id, "it is there already", err);
	code = file_get(set, type, id, &file, err);
	if (code < 0)
		return code;
	file->by_fd = file->streamed = true;
	image_name(name, type, id);
	return stream_file(set->stream, name, size, err);
}

int image_raw_close(struct image_set *set, enum image_type type, uint64_t id,
	uint64_t size, uint64_t digest, struct err *err)
{
	struct image_file *file = image_file_find(set, type, id);

	if (!file || !file->by_fd || file->finished)
		return file_wrong(type, id, "it is not open as raw file", err);
	file->size = size;
	file->digest = digest;
	file->finished = true;
	return file->streamed ? stream_file_end(set->stream, err) : 0;
}

int image_raw_seal(struct image_set *set, enum image_type type, uint64_t id,
	struct err *err)
{
	char name[IMAGE_NAME_MAX];
	_cleanup_fd_ int fd = -1;
	struct stat st;
	uint64_t digest;
	int ret;

	image_name(name, type, id);
	fd = openat(set->temp, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "reading %s again", name);
	ret = digest_read_file(fd, (uint64_t)st.st_size, &digest);
	if (ret < 0)
		return err_code(err, ret, "reading %s again", name);
	return image_raw_close(
		set, type, id, (uint64_t)st.st_size, digest, err);
}

bool image_written(
	const struct image_set *set, enum image_type type, uint64_t id)
{
	return image_file_find(set, type, id) != NULL;
}

/* The record stays, so that slots keep their meaning. */
void image_remove(struct image_set *set, enum image_type type, uint64_t id)
{
	struct image_file *file = image_file_find(set, type, id);
	char name[IMAGE_NAME_MAX];

	if (!file)
		return;
	image_name(name, type, id);
	if (file->on_disk)
		unlinkat(set->temp, name, 0);
	free(file->bytes);
	file->bytes = NULL;
	file->dropped = true;
}

void image_set_link_parent(struct image_set *set, const char *path)
{
	set->parent = arena_strdup(set->arena, path);
}
