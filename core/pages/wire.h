/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire: the messages between one who has pages and a page server, as CRIU 4.2
 * sends them: 32 bytes in the byte order of the host, then the pages.
 *
 * Neither version nor page size is told: both ends must be of one kind. A
 * number that comes from the other end is believed only after wire_check.
 * An end that goes away is EPIPE or ECONNRESET; one that does not move for
 * idle_seconds is ETIMEDOUT. `look` is asked whether to go on before each call
 * of the system, and so every second at least: one that moves a byte at a time
 * keeps nobody from being interrupted.
 */
#ifndef STASIS_PAGES_WIRE_H
#define STASIS_PAGES_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum wire_command {
	WIRE_ADD = 1,	 /* pages follow; as ADD_F that are PRESENT */
	WIRE_HOLE = 2,	 /* as ADD_F that are in the PARENT */
	WIRE_OPEN = 3,	 /* the map of an object begins */
	WIRE_OPEN2 = 4,	 /* ..., answered by a byte: has it a parent? */
	WIRE_PARENT = 5, /* answered by an int: has it a parent? */
	WIRE_ADD_F = 6, /* flags are in the upper half; PRESENT: pages follow */
	WIRE_GET = 7,	/* answered by ADD_F and pages */
	WIRE_CLOSE = 0x1023,	   /* answered by an int 0 when all is stored */
	WIRE_FORCE_CLOSE = 0x1024, /* the same; the socket stays open */
};

/* One end of a connection. fd is borrowed. */
struct wire {
	int fd;
	struct tls *tls;			/* NULL: bytes go as they are */
	int idle_seconds;			/* 0: wait for ever */
	int (*look)(void *of, struct err *err); /* NULL: nobody; 0: go on */
	void *of;
};

/* A stream socket that is connected; its timeouts are set. */
int wire_begin(struct wire *wire, struct err *err);

/* What a map is of. */
enum wire_object { WIRE_TASK = 1, WIRE_SHARED = 2 };

struct wire_message {
	uint32_t command; /* enum wire_command, and flags << 16 */
	uint32_t padding;
	uint64_t nr_pages, vaddr, object;
};

static inline uint32_t wire_command(const struct wire_message *message)
{
	return message->command & 0xffff;
}

/* PAGES_* of image/pages.h. */
static inline uint32_t wire_flags(const struct wire_message *message)
{
	return message->command >> 16;
}

static inline uint64_t wire_object(enum wire_object what, uint64_t id)
{
	return id << 8 | what;
}

/* EBADMSG: no such object; old writers' words for a type are known. */
int wire_object_read(uint64_t object, enum wire_object *ret_what,
	uint64_t *ret_id, struct err *err);

int wire_send(
	struct wire *wire, const struct wire_message *message, struct err *err);
/* *ret_end: the other end has closed before a first byte. */
int wire_receive(struct wire *wire, struct wire_message *ret, bool *ret_end,
	struct err *err);

/* EBADMSG: numbers that cannot be, or more bytes than could ever be. */
int wire_check_pages(const struct wire_message *message, uint32_t page_size,
	struct err *err);

/* Bytes as they are: pages, answers. Fewer than wanted are EPIPE. */
int wire_put(struct wire *wire, const void *from, size_t size, struct err *err);
int wire_take(struct wire *wire, void *to, size_t size, struct err *err);
/* Is it to go on? */
int wire_look(struct wire *wire, struct err *err);
/* Nothing has moved for a second; waited is a sum of these. */
int wire_wait(struct wire *wire, int *waited, struct err *err);
/* Until the other end closes. */
int wire_await_end(struct wire *wire, struct err *err);

#endif
