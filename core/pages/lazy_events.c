/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lazy_events: what a process does to memory of which pages are missing.
 *
 * Where it gave memory back (MADV_DONTNEED, munmap) there are zeros or nothing
 * from then on: such pages are not missing any more.
 */
#include <errno.h>
#include <unistd.h>

#include "kernel/uffd.h"
#include "pages/lazy.h"

static int child_join(struct lazy *lazy, struct lazy_member *parent, int uffd,
	struct err *err)
{
	struct lazy_member *child;
	int code = lazy_member_add(lazy, parent->family, uffd, 0, &child, err);

	if (code)
		close(uffd);
	else
		missing_copy(&child->missing, &parent->missing);
	return code;
}

static void fault_note(
	struct lazy *lazy, struct lazy_member *member, uint64_t address)
{
	*vec_push(member->arena, &member->faults) =
		address & ~(uint64_t)(lazy->page_size - 1);
	lazy->faults++;
}

/* Who waits for a page there that will not come looks again. */
static void range_drop(struct lazy_member *member, uint64_t start, uint64_t end)
{
	missing_drop(&member->missing, start, end);
	uffd_wake(member->uffd, start, end - start);
}

static void range_move(
	struct lazy_member *member, uint64_t from, uint64_t to, uint64_t size)
{
	missing_move(&member->missing, from, to, size);
	uffd_wake(member->uffd, from, size);
}

static int event_take(struct lazy *lazy, struct lazy_member *member,
	const struct uffd_msg *message, struct err *err)
{
	switch (message->event) {
	case UFFD_EVENT_PAGEFAULT:
		fault_note(lazy, member, message->arg.pagefault.address);
		return 0;
	case UFFD_EVENT_FORK:
		return child_join(
			lazy, member, (int)message->arg.fork.ufd, err);
	case UFFD_EVENT_REMAP:
		range_move(member, message->arg.remap.from,
			message->arg.remap.to, message->arg.remap.len);
		return 0;
	case UFFD_EVENT_REMOVE:
	case UFFD_EVENT_UNMAP:
		range_drop(member, message->arg.remove.start,
			message->arg.remove.end);
		return 0;
	default:
		return err_set(err, EBADMSG,
			"the kernel tells of an event %u of lazy pages, "
			"which is not known",
			message->event);
	}
}

int lazy_events_read(
	struct lazy *lazy, struct lazy_member *member, struct err *err)
{
	enum { AT_ONCE = 256 };
	struct uffd_msg message;
	int code = 0;

	for (int i = 0; i < AT_ONCE && !code; i++) {
		code = uffd_read(member->uffd, &message);
		if (code == -EAGAIN)
			return 0;
		code = code ? err_code(err, code,
				      "reading what happens to the memory of "
				      "task %d",
				      member->family->pid)
			    : event_take(lazy, member, &message, err);
	}
	return code;
}
