/* SPDX-License-Identifier: GPL-2.0-or-later */
/* signalfd: signals to read. Which ones wait is the reading task's state. */
#include <errno.h>
#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "kinds/file/lib/fown.h"
#include "kinds/table.h"
#include "model/dump.h"
#include "model/restore.h"

static bool signalfd_claims(const struct sighting *sighting)
{
	return sighting->fd_number >= 0 && sighting->info.is_signalfd;
}

static int signalfd_capture(struct dump *dump, const struct sighting *sighting,
	void *msg, struct err *err)
{
	SignalfdEntry *signals = arena_new1(dump->arena, SignalfdEntry);
	FileEntry *entry = msg;

	signalfd_entry__init(signals);
	entry->type = FD_TYPES__SIGNALFD;
	entry->sgfd = signals;
	signals->id = entry->id;
	signals->flags = sighting->info.flags & ~(uint32_t)O_CLOEXEC;
	signals->sigmask = sighting->info.signalfd_mask;
	return fown_capture(dump, sighting, &signals->fown, err);
}

static int signalfd_make(struct restore *restore, struct object *object,
	int *ret_fd, struct err *err)
{
	const SignalfdEntry *signals = object->entry->sgfd;
	_cleanup_fd_ int fd = -1;
	int code;

	(void)restore;
	/* libc's own takes a bigger set than the kernel. */
	fd = (int)syscall(SYS_signalfd4, -1, &signals->sigmask,
		sizeof(signals->sigmask), SFD_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "making a signalfd");
	code = fown_flags_set(fd, signals->flags, err);
	if (!code)
		*ret_fd = fd_take(&fd);
	return code;
}

static int signalfd_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const SignalfdEntry *signals = object->entry->sgfd;

	(void)err;
	fown_emit(tape, holder, signals->fown, signals->flags);
	return 0;
}

const struct kind kind_signalfd = {
	.name = "signalfd",
	.scope = SCOPE_FILE,
	.tag = FD_TYPES__SIGNALFD,
	.schema = &signalfd_entry__descriptor,
	.claims = signalfd_claims,
	.capture = signalfd_capture,
	.plan = plan_alone,
	.make = signalfd_make,
	.emit = signalfd_emit,
};
