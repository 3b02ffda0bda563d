/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/receive.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "image/pages.h"
#include "pages/wire.h"

enum {
	FIRST_PAGES_ID = 0x10001, /* those of the dump itself begin at 1 */
	PIECE = 1 << 20,
};

struct receiver {
	struct arena *arena;
	struct wire *wire;
	uint32_t page_size, next_id;
	struct image_set *set;
	char *room;

	/* The object of which pages come. */
	bool open;
	uint64_t object;
	struct pages_writer writer;
	struct pages_map parent; /* n 0: it has none */
	uint32_t pages_id;
	int pages; /* the pages file */
	uint64_t size;
	struct receive_result result;
};

static int file_close(struct receiver *receiver, struct err *err)
{
	int code;

	if (!receiver->open)
		return 0;
	receiver->open = false;
	code = pages_writer_close(&receiver->writer, err);
	if (!code)
		code = image_raw_close(receiver->set, IMAGE_PAGES,
			receiver->pages_id, receiver->size, 0, err);
	close(fd_take(&receiver->pages));
	return code;
}

static enum image_type map_type(enum wire_object what)
{
	return what == WIRE_TASK ? IMAGE_PAGEMAP : IMAGE_PAGEMAP_SHMEM;
}

/* The object's map in the set before this one; none: it is empty. */
static int parent_load(struct receiver *receiver, enum wire_object what,
	uint64_t id, struct pages_map *ret, struct err *err)
{
	struct image_set *parent = NULL;
	int code;

	*ret = (struct pages_map){0};
	code = image_set_open_parent(receiver->set, &parent, err);
	if (code || !parent)
		return code;
	return pages_load(
		parent, map_type(what), id, receiver->page_size, ret, err);
}

static int object_open(
	struct receiver *receiver, uint64_t object, struct err *err)
{
	enum wire_object what = WIRE_TASK;
	uint64_t id = 0;
	int code;

	code = wire_object_read(object, &what, &id, err);
	if (!code)
		code = file_close(receiver, err);
	if (!code && image_written(receiver->set, map_type(what), id))
		code = err_set(err, EBADMSG,
			"the peer sends pages of object %" PRIu64 " twice", id);
	if (!code)
		code = parent_load(receiver, what, id, &receiver->parent, err);
	if (code)
		return code;
	receiver->pages_id = receiver->next_id++;
	code = image_raw_create(receiver->set, IMAGE_PAGES, receiver->pages_id,
		&receiver->pages, err);
	if (code)
		return code;
	receiver->open = true;
	receiver->object = object;
	receiver->size = 0;
	receiver->result.objects++;
	return pages_writer_open(receiver->set, map_type(what), id,
		receiver->pages_id, receiver->page_size, &receiver->writer,
		err);
}

/* All of it must be there: who restores looks for it. */
static int parent_check(const struct receiver *receiver,
	const struct wire_message *message, struct err *err)
{
	uint64_t at = message->vaddr,
		 end = at + message->nr_pages * receiver->page_size;
	const struct pages_run *run;

	while (at < end) {
		run = pages_find(&receiver->parent, at);
		if (!run) {
			err_set(err, EBADMSG,
				"the page at 0x%" PRIx64
				" is said to be in the parent of these images, "
				"but it is not",
				at);
			return err_hint(err, "make the link 'parent' in the "
					     "server's directory before it is "
					     "started");
		}
		at = run->vaddr + run->nr_pages * receiver->page_size;
	}
	return 0;
}

static int bytes_store(
	struct receiver *receiver, uint64_t bytes, struct err *err)
{
	size_t size;
	int code = 0;

	for (; bytes && !code; bytes -= size) {
		size = bytes < PIECE ? (size_t)bytes : PIECE;
		code = wire_take(receiver->wire, receiver->room, size, err);
		if (code)
			return err_wrap(err, "receiving pages");
		code = io_pwrite_all(receiver->pages, receiver->room, size,
			(off_t)receiver->size);
		if (code)
			return err_code(err, code, "writing pages-%u.img",
				receiver->pages_id);
		receiver->size += size;
	}
	return 0;
}

static int pages_add(struct receiver *receiver,
	const struct wire_message *message, uint32_t flags, struct err *err)
{
	int code = wire_check_pages(message, receiver->page_size, err);

	if (!code && (!receiver->open || receiver->object != message->object))
		code = object_open(receiver, message->object, err);
	if (!code && (flags & ~(uint32_t)(PAGES_PARENT | PAGES_LAZY |
					  PAGES_PRESENT)))
		code = err_set(err, EBADMSG,
			"the peer marks pages with flags that are not known "
			"(0x%x)",
			flags);
	if (!code && flags & PAGES_PARENT)
		code = parent_check(receiver, message, err);
	if (!code)
		code = pages_writer_append(&receiver->writer, message->vaddr,
			message->nr_pages, flags, err);
	if (code || !(flags & PAGES_PRESENT))
		return code;
	receiver->result.pages += message->nr_pages;
	return bytes_store(
		receiver, message->nr_pages * receiver->page_size, err);
}

static int parent_answer(struct receiver *receiver,
	const struct wire_message *message, struct err *err)
{
	enum wire_object what = WIRE_TASK;
	struct pages_map parent;
	uint64_t id = 0;
	int32_t answer;
	int code = wire_object_read(message->object, &what, &id, err);

	if (!code)
		code = parent_load(receiver, what, id, &parent, err);
	if (code)
		return code;
	answer = parent.n > 0;
	return wire_put(receiver->wire, &answer, sizeof(answer), err);
}

static int open_answer(struct receiver *receiver,
	const struct wire_message *message, struct err *err)
{
	int code = object_open(receiver, message->object, err);
	uint8_t answer = receiver->parent.n > 0;

	return code ?: wire_put(receiver->wire, &answer, sizeof(answer), err);
}

static int message_take(struct receiver *receiver,
	const struct wire_message *message, struct err *err)
{
	switch (wire_command(message)) {
	case WIRE_ADD:
		return pages_add(receiver, message, PAGES_PRESENT, err);
	case WIRE_HOLE:
		return pages_add(receiver, message, PAGES_PARENT, err);
	case WIRE_ADD_F:
		return pages_add(receiver, message, wire_flags(message), err);
	case WIRE_OPEN:
		return object_open(receiver, message->object, err);
	case WIRE_OPEN2:
		return open_answer(receiver, message, err);
	case WIRE_PARENT:
		return parent_answer(receiver, message, err);
	default:
		err_set(err, EBADMSG,
			"the peer asks for something that a page server does "
			"not do (0x%x)",
			message->command);
		return err_hint(err, "it must be of CRIU 4.2 or newer: older "
				     "ones speak another protocol");
	}
}

/* The answer to CLOSE says that all is in place. */
static int all_commit(
	struct receiver *receiver, bool shared_fd, struct err *err)
{
	const int32_t answer = 0;
	int code = file_close(receiver, err);

	if (!code)
		code = image_set_commit(receiver->set, NULL, err);
	if (code)
		return code;
	code = wire_put(receiver->wire, &answer, sizeof(answer), err);
	if (code)
		return err_hint(err, "all pages were stored and are kept, but "
				     "the dump was not told, and has failed");
	/* So that the connection's last state stays with the other end. */
	if (!shared_fd)
		wire_await_end(receiver->wire, ERR_UNREAD);
	return 0;
}

static int messages_take(
	struct receiver *receiver, bool shared_fd, struct err *err)
{
	struct wire_message message;
	bool end;
	int code;

	for (;;) {
		code = wire_receive(receiver->wire, &message, &end, err);
		if (code)
			return code;
		if (end)
			return err_set(err, EPIPE,
				"the peer has gone away before it said that "
				"all pages were sent; nothing is kept");
		if (wire_command(&message) == WIRE_CLOSE ||
			wire_command(&message) == WIRE_FORCE_CLOSE)
			return all_commit(receiver, shared_fd, err);
		code = message_take(receiver, &message, err);
		if (code)
			return code;
	}
}

int pages_receive(struct arena *arena, struct wire *wire, int images_dir,
	uint32_t page_size, bool shared_fd, struct receive_result *ret,
	struct err *err)
{
	struct receiver receiver = {.arena = arena,
		.wire = wire,
		.page_size = page_size,
		.next_id = FIRST_PAGES_ID,
		.pages = -1,
		.room = arena_alloc(arena, PIECE)};
	int code;

	code = image_set_create(arena, images_dir, &receiver.set, err);
	if (!code)
		code = messages_take(&receiver, shared_fd, err);
	fd_closep(&receiver.pages);
	image_set_closep(&receiver.set);
	if (!code)
		*ret = receiver.result;
	return code;
}
