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
#include "image/budget.h"
#include "image/digest.h"
#include "image/set_state.h"
#include "image/wire.h"
#include "proto/inventory.pb-c.h"
#include "proto/ipc.pb-c.h"

/* Smaller files are copied to the arena. */
enum { MAP_BYTES = 1 << 20 };
/* Of what is nothing but records; a pagemap of 60 million runs has less. */
#define RECORDS_MAX (1ull << 30)

/* A file being taken apart. */
struct reader {
	struct image_set *set;
	enum image_type type;
	char name[IMAGE_NAME_MAX];
	const uint8_t *bytes;
	size_t size, at;
	struct image_budget budget;
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
	struct stat st;

	image_name(name, type, id);
	/* A failure is told by image_set_check_source. */
	if (image_file_bring(set, name, ERR_UNREAD))
		return false;
	return (is_foreign(set, type) || listed_find(set, name)) &&
	       fstatat(set->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static uint64_t file_max(enum image_type type)
{
	const struct image_form *form = image_form(type);

	return form->message && !form->payload ? RECORDS_MAX : INT64_MAX;
}

/* What was opened by a name is what was verified under it, or is verified
 * now. */
static int listed_check(const struct image_listed *listed, int fd,
	const struct stat *st, struct err *err)
{
	const StasisFile *file = listed->file;
	uint64_t digest = 0;

	if (image_mark_is(&listed->verified.mark, st))
		return 0;
	if ((uint64_t)st->st_size == file->size &&
		!digest_read_file(fd, file->size, &digest) &&
		digest == file->xxh3)
		return 0;
	err_set(err, EBADMSG, "%s was changed after it was verified",
		file->name);
	return err_hint(err, "try again when nobody writes to the images");
}

/* *ret_fd is -1 if the file is absent. */
static int file_open(const struct image_set *set, enum image_type type,
	const char *name, int *ret_fd, uint64_t *ret_size, struct err *err)
{
	const struct image_listed *listed = listed_find(set, name);
	_cleanup_fd_ int fd = -1;
	struct err now = {0};
	struct stat st;
	int code;

	*ret_fd = -1;
	if (!is_foreign(set, type) && !listed)
		return 0;
	code = image_file_bring(set, name, err);
	if (code)
		return code;
	code = io_open_regular(set->dir, name, file_max(type), &fd, &st, &now);
	if (code == -ENOENT)
		return 0;
	if (!code && listed)
		code = listed_check(listed, fd, &st, &now);
	if (code)
		return err_copy(err, &now);
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

/* What is small within its budget however it is written. */
enum { GATHER_BYTES = 256 };

static ProtobufCMessage *record_unpack(struct reader *reader,
	const ProtobufCMessageDescriptor *message, const uint8_t *packed,
	size_t size)
{
	ProtobufCAllocator allocator = image_allocator(&reader->budget);
	uint8_t *gathered = size > GATHER_BYTES ? malloc(size) : NULL;
	ProtobufCMessage *msg;

	if (gathered) {
		size = wire_gather(message, packed, size, gathered);
		packed = gathered;
	}
	msg = protobuf_c_message_unpack(message, &allocator, size, packed);
	free(gathered);
	return msg;
}

/* At the size of a record. Its message is in ret_item and the reader stands
 * behind it. */
static int reader_message(struct reader *reader,
	const ProtobufCMessageDescriptor *message, struct image_item *ret_item,
	struct err *err)
{
	const uint8_t *packed;
	uint32_t size;

	if (!reader_word(reader, &size))
		return reader_damaged(reader, "it is cut off", err);
	if (size > reader->size - reader->at)
		return reader_damaged(
			reader, "a record is longer than the file", err);
	packed = reader->bytes + reader->at;
	if (wire_check(message, packed, size) == 0)
		ret_item->msg = record_unpack(reader, message, packed, size);
	if (!ret_item->msg)
		return reader_damaged(reader,
			reader->budget.spent ? BUDGET_TOO_RICH
					     : "a record cannot be decoded",
			err);
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

struct items {
	struct image_item *at;
	size_t n, room;
};

/* How many records there are, where nothing but records follows; a reader that
 * goes on at the first that is not whole finds it there, too. */
static size_t reader_count(const struct reader *reader)
{
	struct reader ahead = *reader;
	uint32_t size;
	size_t n = 0;

	while (ahead.at < ahead.size && reader_word(&ahead, &size) &&
		size <= ahead.size - ahead.at) {
		ahead.at += size;
		n++;
	}
	return n + 1;
}

/* No record takes less than its empty message does. */
static bool reader_affords(struct reader *reader, size_t n)
{
	const ProtobufCMessageDescriptor *message =
		image_message(reader->type, 1);

	return image_budget_has(&reader->budget,
		n * (sizeof(struct image_item) + message->sizeof_message));
}

/* The next item. A list that grows leaves its old places behind: where their
 * number can be known it does not grow. */
static struct image_item *reader_item(
	struct reader *reader, struct items *items)
{
	const struct image_form *form = image_form(reader->type);
	size_t room = items->n ? items->n * 2 : 8;

	if (items->n == items->room) {
		if (form->message && !form->payload)
			room = items->n + reader_count(reader);
		if (!reader_affords(reader, room - items->n) ||
			!image_budget_take(
				&reader->budget, room * sizeof(items->at[0])))
			return NULL;
		items->at = arena_grow(reader->set->arena, items->at,
			items->n * sizeof(items->at[0]),
			room * sizeof(items->at[0]));
		items->room = room;
	}
	return &items->at[items->n++];
}

static int reader_records(
	struct reader *reader, struct image_list *ret_list, struct err *err)
{
	struct items items = {0};
	struct image_item *item;
	int code;

	reader->budget = image_budget(reader->set->arena, reader->size,
		reader->type == IMAGE_FILES ? BUDGET_TIMES_FILES : BUDGET_TIMES,
		&reader->set->spare);
	while (reader->at < reader->size) {
		item = reader_item(reader, &items);
		if (!item)
			return reader_damaged(reader, BUDGET_TOO_RICH, err);
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

	if (listed && listed->verified.bytes) {
		*ret_bytes = listed->verified.bytes;
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
	struct err now = {0};
	char *bytes = NULL;
	int code = io_read_regular(
		arena, dir, path, MAP_BYTES, &bytes, &reader->size, &now);

	if (code == -EBADMSG || code == -EFBIG)
		return err_set(err, EBADMSG, "it is no %s", reader->name);
	if (code)
		return err_code(err, code, "opening it");
	reader->bytes = (const uint8_t *)bytes;
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
		.size = queue->payload_size,
		.budget = image_budget(set->arena, queue->payload_size,
			BUDGET_TIMES, &set->spare)};
	uint32_t n = ((const IpcMsgEntry *)queue->msg)->qnum;
	struct items letters = {0};
	struct image_item *letter;
	int code;

	strcpy(reader.name, "a message queue");
	for (uint32_t i = 0; i < n; i++) {
		letter = reader_item(&reader, &letters);
		if (!letter)
			return reader_damaged(&reader, BUDGET_TOO_RICH, err);
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
