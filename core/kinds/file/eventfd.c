/* SPDX-License-Identifier: GPL-2.0-or-later */
/* eventfd: a counter to wait for. */
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "kinds/file/lib/fown.h"
#include "kinds/table.h"
#include "model/dump.h"
#include "model/restore.h"

static bool eventfd_claims(const struct sighting *sighting)
{
	return sighting->fd_number >= 0 && sighting->info.is_eventfd;
}

static int counter_take(int fd, uint64_t *ret, struct err *err)
{
	struct iovec room = {ret, sizeof(*ret)};

	if (preadv2(fd, &room, 1, -1, RWF_NOWAIT) != sizeof(*ret))
		return err_errno(err, "reading an eventfd");
	return 0;
}

static int counter_add(int fd, uint64_t n, struct err *err)
{
	if (n && write(fd, &n, sizeof(n)) != sizeof(n))
		return err_errno(err, "writing to an eventfd");
	return 0;
}

/* Kernels before 6.5 do not say whether an eventfd is a semaphore, but a read
 * of more than 1 does. Its users are frozen, and it gets back what it had. */
static int semaphore_probe(int fd, uint64_t count, bool *ret, struct err *err)
{
	uint64_t added = count < 2 ? 2 : 0, took, rest = 0;
	int code;

	code = counter_add(fd, added, err);
	if (!code)
		code = counter_take(fd, &took, err);
	if (code)
		return code;
	*ret = took == 1;
	if (!added)
		return counter_add(fd, took, err);
	return *ret ? counter_take(fd, &rest, err)
		    : counter_add(fd, took - added, err);
}

static int eventfd_capture(struct dump *dump, const struct sighting *sighting,
	void *msg, struct err *err)
{
	EventfdFileEntry *event = arena_new1(dump->arena, EventfdFileEntry);
	const struct fdinfo *info = &sighting->info;
	FileEntry *entry = msg;
	bool semaphore;
	int code;

	eventfd_file_entry__init(event);
	entry->type = FD_TYPES__EVENTFD;
	entry->efd = event;
	event->id = entry->id;
	event->flags = info->flags & ~(uint32_t)O_CLOEXEC;
	/* The format has no field for it. This bit is free, since an eventfd
	 * is always O_RDWR, and F_SETFL ignores it. */
	semaphore = info->eventfd_semaphore > 0;
	if (info->eventfd_semaphore < 0) {
		code = semaphore_probe(
			sighting->fd, info->eventfd_count, &semaphore, err);
		if (code)
			return code;
	}
	if (semaphore)
		event->flags |= EFD_SEMAPHORE;
	event->counter = info->eventfd_count;
	return fown_capture(dump, sighting, &event->fown, err);
}

static int eventfd_make(struct restore *restore, struct object *object,
	int *ret_fd, struct err *err)
{
	const EventfdFileEntry *event = object->entry->efd;
	_cleanup_fd_ int fd = -1;
	int code;

	(void)restore;
	/* The first value is 32 bits to the call, the counter has 64. */
	fd = eventfd(0, EFD_CLOEXEC | (int)(event->flags & EFD_SEMAPHORE));
	if (fd < 0)
		return err_errno(err, "making an eventfd");
	if (event->counter && write(fd, &event->counter, 8) != 8)
		return err_errno(err, "setting an eventfd to %llu",
			(unsigned long long)event->counter);
	code = fown_flags_set(fd, event->flags, err);
	if (!code)
		*ret_fd = fd_take(&fd);
	return code;
}

static int eventfd_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const EventfdFileEntry *event = object->entry->efd;

	(void)err;
	fown_emit(tape, holder, event->fown,
		event->flags & ~(uint32_t)EFD_SEMAPHORE);
	return 0;
}

const struct kind kind_eventfd = {
	.name = "eventfd",
	.scope = SCOPE_FILE,
	.tag = FD_TYPES__EVENTFD,
	.schema = &eventfd_file_entry__descriptor,
	.claims = eventfd_claims,
	.capture = eventfd_capture,
	.plan = plan_alone,
	.make = eventfd_make,
	.emit = eventfd_emit,
};
