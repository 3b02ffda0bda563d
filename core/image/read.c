/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/set.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/io.h"
#include "image/set_state.h"
#include "image/wire.h"
#include "proto/inventory.pb-c.h"
#include "proto/ipc.pb-c.h"

/* Smaller files are copied to the arena. */
enum { MAP_BYTES = 1 << 20 };

/* A file being taken apart. */
struct reader {
	struct image_set *set;
	enum image_type type;
	char name[IMAGE_NAME_MAX];
	const uint8_t *bytes;
	size_t size, at;
};

static int listed_compare(const void *name, const void *listed)
{
	return strcmp(name, ((const struct image_listed *)listed)->file->name);
}

static const struct image_listed *listed_find(
	const struct image_set *set, const char *name)
{
	return set->manifest ? bsearch(name, set->listed, set->manifest->n_file,
				       sizeof(set->listed[0]), listed_compare)
			     : NULL;
}

/* A file that the manifest does not speak for, and that is taken as it is.
 * Pages that went to a page server came here on another way. */
static bool is_foreign(const struct image_set *set, enum image_type type)
{
	return !set->manifest ||
	       (set->manifest->remote_pages &&
		       (type == IMAGE_PAGES || type == IMAGE_PAGEMAP ||
			       type == IMAGE_PAGEMAP_SHMEM));
}

bool image_exists(
	const struct image_set *set, enum image_type type, uint64_t id)
{
	char name[IMAGE_NAME_MAX];

	image_name(name, type, id);
	return (is_foreign(set, type) || listed_find(set, name)) &&
	       faccessat(set->dir, name, F_OK, 0) == 0;
}

/* *ret_fd is -1 if the file is absent. */
static int file_open(const struct image_set *set, enum image_type type,
	const char *name, int *ret_fd, uint64_t *ret_size, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	struct stat st;

	*ret_fd = -1;
	if (!is_foreign(set, type) && !listed_find(set, name))
		return 0;
	/* Not to be caught by a FIFO of that name. */
	fd = openat(set->dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "opening %s", name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EBADMSG, "%s is not a regular file", name);
	*ret_fd = fd_take(&fd);
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

static int file_absent(const char *name, struct err *err)
{
	err_set(err, ENOENT, "%s is missing in the image directory", name);
	return err_hint(err,
		"the dump was not finished, or the directory is not the one "
		"that was dumped to");
}

static int file_map(struct image_set *set, const char *name, int fd,
	uint64_t size, const void **ret_bytes, struct err *err)
{
	void *at = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (at == MAP_FAILED)
		return err_errno(err, "mapping %s", name);
	*vec_push(set->arena, &set->spans) = (struct image_span){at, size};
	*ret_bytes = at;
	return 0;
}

static int file_bytes(struct image_set *set, const char *name, int fd,
	uint64_t size, const void **ret_bytes, struct err *err)
{
	void *bytes;
	int ret;

	if (size >= MAP_BYTES)
		return file_map(set, name, fd, size, ret_bytes, err);
	bytes = arena_alloc(set->arena, (size_t)size + 1);
	ret = io_read_exact(fd, bytes, (size_t)size);
	if (ret < 0)
		return err_code(err, ret, "reading %s", name);
	*ret_bytes = bytes;
	return 0;
}

static int reader_damaged(
	const struct reader *reader, const char *what, struct err *err)
{
	err_set(err, EBADMSG, "%s is damaged at byte %zu: %s", reader->name,
		reader->at, what);
	return err_hint(err, "copy the image directory again, or dump again");
}

static bool reader_word(struct reader *reader, uint32_t *ret_word)
{
	if (reader->size - reader->at < sizeof(*ret_word))
		return false;
	memcpy(ret_word, reader->bytes + reader->at, sizeof(*ret_word));
	reader->at += sizeof(*ret_word);
	return true;
}

static int reader_head(struct reader *reader, struct err *err)
{
	const struct image_form *form = image_form(reader->type);
	uint32_t word;

	if (form->common && !reader_word(reader, &word))
		return reader_damaged(reader, "it is cut off", err);
	if (form->common && word != form->common) {
		reader_damaged(reader, "it is no image of version 1.1", err);
		return err_hint(
			err, "images of engines before 2015 cannot be read");
	}
	if (!reader_word(reader, &word))
		return reader_damaged(reader, "it is cut off", err);
	if (word != form->magic)
		return reader_damaged(reader, "it is another image", err);
	return 0;
}

/* At the size of a record. Its message is in ret_item and the reader stands
 * behind it. */
static int reader_message(struct reader *reader,
	const ProtobufCMessageDescriptor *message, struct image_item *ret_item,
	struct err *err)
{
	ProtobufCAllocator allocator = image_allocator(reader->set->arena);
	const uint8_t *packed;
	uint32_t size;

	if (!reader_word(reader, &size))
		return reader_damaged(reader, "it is cut off", err);
	if (size > reader->size - reader->at)
		return reader_damaged(
			reader, "a record is longer than the file", err);
	packed = reader->bytes + reader->at;
	if (wire_check(message, packed, size) == 0)
		ret_item->msg = protobuf_c_message_unpack(
			message, &allocator, size, packed);
	if (!ret_item->msg)
		return reader_damaged(
			reader, "a record cannot be decoded", err);
	reader->at += size;
	return 0;
}

static int reader_payload(
	struct reader *reader, struct image_item *item, struct err *err)
{
	const struct image_form *form = image_form(reader->type);

	item->payload = reader->bytes + reader->at;
	item->payload_at = (off_t)reader->at;
	if (!form->payload)
		return 0;
	if (form->payload(item->msg, item->payload, reader->size - reader->at,
		    &item->payload_size) < 0)
		return reader_damaged(
			reader, "the data of a record are cut off", err);
	reader->at += item->payload_size;
	return 0;
}

static int reader_records(
	struct reader *reader, struct image_list *ret_list, struct err *err)
{
	int code;

	VEC(struct image_item) items = {0};
	struct image_item *item;

	while (reader->at < reader->size) {
		item = vec_push(reader->set->arena, &items);
		code = reader_message(reader,
			image_message(reader->type, items.n - 1), item, err);
		if (code < 0)
			return code;
		code = reader_payload(reader, item, err);
		if (code < 0)
			return code;
	}
	ret_list->at = items.at;
	ret_list->n = items.n;
	return 0;
}

/* All other images are read by the rules of this version. */
static int inventory_check(const struct image_list *list, struct err *err)
{
	const InventoryEntry *inventory;

	if (list->n != 1)
		return err_set(err, EBADMSG,
			"inventory.img is damaged: it has %zu records",
			list->n);
	inventory = (const InventoryEntry *)list->at[0].msg;
	/* A pre-dump, of which only pages are ever used, says 0. */
	if (inventory->img_version == 2 || inventory->img_version == 0)
		return 0;
	return err_set(err, ENOTSUP,
		"inventory.img has format version %u, only version 2 can be "
		"read",
		inventory->img_version);
}

static int set_read(struct image_set *set, enum image_type type,
	const char *name, const void **ret_bytes, size_t *ret_size,
	struct err *err)
{
	const struct image_listed *listed = listed_find(set, name);
	_cleanup_fd_ int fd = -1;
	uint64_t size;
	int code;

	if (listed && listed->bytes) {
		*ret_bytes = listed->bytes;
		*ret_size = (size_t)listed->file->size;
		return 0;
	}
	code = file_open(set, type, name, &fd, &size, err);
	if (code < 0)
		return code;
	*ret_bytes = NULL;
	*ret_size = 0;
	if (fd < 0)
		return 0;
	code = file_bytes(set, name, fd, size, ret_bytes, err);
	if (code < 0)
		return code;
	*ret_size = (size_t)size;
	return 0;
}

int image_load(struct image_set *set, enum image_type type, uint64_t id,
	struct image_list *ret_list, struct err *err)
{
	struct reader reader = {.set = set, .type = type};
	struct image_list list = {0};
	const void *bytes;
	int code;

	image_name(reader.name, type, id);
	if (!image_form(type)->message)
		return err_set(err, EINVAL, "%s has no records", reader.name);
	code = set_read(set, type, reader.name, &bytes, &reader.size, err);
	if (code < 0)
		return code;
	reader.bytes = bytes;
	if (bytes)
		code = reader_head(&reader, err)
			       ?: reader_records(&reader, &list, err);
	if (!code && bytes && type == IMAGE_INVENTORY)
		code = inventory_check(&list, err);
	if (code < 0)
		return code;
	*ret_list = list;
	return 0;
}

int image_load_one(struct image_set *set, enum image_type type, uint64_t id,
	struct image_item *ret_item, struct err *err)
{
	struct image_list list;
	char name[IMAGE_NAME_MAX];
	int code;

	image_name(name, type, id);
	code = image_load(set, type, id, &list, err);
	if (code < 0)
		return code;
	if (list.n == 0 && !image_exists(set, type, id))
		return file_absent(name, err);
	if (list.n != 1)
		return err_set(err, EBADMSG,
			"%s is damaged: it has %zu records, not one", name,
			list.n);
	*ret_item = list.at[0];
	return 0;
}

static int alone_read(struct arena *arena, int dir, const char *path,
	struct reader *reader, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	struct stat st;
	uint8_t *bytes;
	int ret;

	fd = openat(dir, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "opening it");
	if (!S_ISREG(st.st_mode) || st.st_size > MAP_BYTES)
		return err_set(err, EBADMSG, "it is no %s", reader->name);
	reader->size = (size_t)st.st_size;
	bytes = arena_alloc(arena, reader->size + 1);
	ret = io_read_exact(fd, bytes, reader->size);
	if (ret < 0)
		return err_code(err, ret, "reading it");
	reader->bytes = bytes;
	return 0;
}

int image_read_alone(struct arena *arena, int dir, const char *path,
	enum image_type type, ProtobufCMessage **ret_msg, struct err *err)
{
	struct image_set set = {.arena = arena};
	struct reader reader = {.set = &set, .type = type};
	struct image_list list;
	int code;

	image_name(reader.name, type, 0);
	code = alone_read(arena, dir, path, &reader, err) ?: reader_head(&reader, err) ?: reader_records(&reader, &list, err);
	if (code < 0)
		return code;
	if (list.n != 1)
		return err_set(err, EBADMSG,
			"%s is damaged: it has %zu records, not one",
			reader.name, list.n);
	*ret_msg = list.at[0].msg;
	return 0;
}

int image_raw_load(struct image_set *set, enum image_type type, uint64_t id,
	const void **ret_bytes, size_t *ret_size, struct err *err)
{
	const void *bytes;
	size_t size;
	char name[IMAGE_NAME_MAX];
	int code;

	image_name(name, type, id);
	code = set_read(set, type, name, &bytes, &size, err);
	if (code < 0)
		return code;
	if (!bytes)
		return file_absent(name, err);
	*ret_bytes = bytes;
	*ret_size = size;
	return 0;
}

int image_raw_open(struct image_set *set, enum image_type type, uint64_t id,
	int *ret_fd, uint64_t *ret_size, struct err *err)
{
	char name[IMAGE_NAME_MAX];
	uint64_t size;
	int fd;
	int code;

	image_name(name, type, id);
	code = file_open(set, type, name, &fd, &size, err);
	if (code < 0)
		return code;
	if (fd < 0)
		return file_absent(name, err);
	*ret_fd = fd;
	*ret_size = size;
	return 0;
}

int image_letters(struct image_set *set, const struct image_item *queue,
	struct image_list *ret_letters, struct err *err)
{
	struct reader reader = {.set = set,
		.type = IMAGE_IPCNS_MSG,
		.bytes = queue->payload,
		.size = queue->payload_size};
	uint32_t n = ((const IpcMsgEntry *)queue->msg)->qnum;
	VEC(struct image_item) letters = {0};
	struct image_item *letter;
	int code;

	strcpy(reader.name, "a message queue");
	for (uint32_t i = 0; i < n; i++) {
		letter = vec_push(set->arena, &letters);
		code = reader_message(
			&reader, &ipc_msg__descriptor, letter, err);
		if (code < 0)
			return code;
		letter->payload = reader.bytes + reader.at;
		letter->payload_at = queue->payload_at + (off_t)reader.at;
		letter->payload_size = ((const IpcMsg *)letter->msg)->msize;
		reader.at += (letter->payload_size + 7) / 8 * 8;
		if (reader.at > reader.size)
			return reader_damaged(
				&reader, "a message is cut off", err);
	}
	ret_letters->at = letters.at;
	ret_letters->n = letters.n;
	return 0;
}
