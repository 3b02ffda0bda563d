/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * eventpoll: a set of files to wait for.
 *
 * The kernel knows a target by its file and the number that it was added
 * under. So it is added again in a task, under that number, which is borrowed
 * where it means another file by now, or none (epoll_target.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "kinds/file/lib/epoll_target.h"
#include "kinds/file/lib/fown.h"
#include "kinds/table.h"
#include "model/dump.h"
#include "model/restore.h"

/* struct epoll_params and its requests, of 6.9. */
struct params {
	uint32_t usecs;
	uint16_t budget;
	uint8_t prefer, zero;
};
#define PARAMS_SET _IOW(0x8a, 1, struct params)
#define PARAMS_GET _IOR(0x8a, 2, struct params)

static bool eventpoll_claims(const struct sighting *sighting)
{
	/* fdinfo tells of targets alone: a set without any says nothing. */
	return sighting->fd_number >= 0 &&
	       strcmp(sighting->target, "anon_inode:[eventpoll]") == 0;
}

static int gone_refuse(int number, struct err *err)
{
	err_set(err, EOPNOTSUPP,
		"the epoll set watches a file that was added as fd %d, which "
		"is open in none of the processes any more",
		number);
	return err_hint(err, "a watched file that is still open elsewhere "
			     "stays in the set; remove it from the set before "
			     "it is closed");
}

/* turns: how many targets were seen so far, by number. */
static int place_capture(struct dump *dump, const struct sighting *sighting,
	size_t i, struct index *turns, EventpollTfdEntry *target,
	struct err *err)
{
	void **turn = index_slot(dump->arena, turns, target->tfd);
	const struct victim *victim;
	int fd, code;

	code = epoll_target_find(dump, sighting, i, (unsigned)(uintptr_t)*turn,
		&victim, &fd, err);
	*turn = (char *)*turn + 1;
	if (code)
		return code;
	if (!victim)
		return gone_refuse((int)target->tfd, err);
	if (victim != sighting->victim) {
		target->has_stasis_pid = target->has_stasis_fd = true;
		target->stasis_pid = (uint32_t)victim->vpid;
		target->stasis_fd = (uint32_t)fd;
	} else if (fd != (int)target->tfd) {
		target->has_stasis_number = true;
		target->stasis_number = target->tfd;
		target->tfd = (uint32_t)fd;
	}
	return 0;
}

static int target_capture(struct dump *dump, const struct sighting *sighting,
	size_t i, struct index *turns, EventpollTfdEntry **ret, struct err *err)
{
	const struct fdinfo_epoll *from = &sighting->info.epoll[i];
	EventpollTfdEntry *target = arena_new1(dump->arena, EventpollTfdEntry);

	eventpoll_tfd_entry__init(target);
	target->id = (uint32_t)from->fd;
	target->tfd = (uint32_t)from->fd;
	target->events = from->events;
	target->data = from->data;
	if (from->ino) {
		target->has_dev = target->has_inode = target->has_pos = true;
		target->dev = (uint32_t)from->sdev;
		target->inode = from->ino;
		target->pos = (uint64_t)from->pos;
	}
	*ret = target;
	return place_capture(dump, sighting, i, turns, target, err);
}

/* A kernel without has none, and a set of which it was not asked has zeros. */
static StasisEpollParams *params_capture(struct arena *arena, int fd)
{
	StasisEpollParams *entry;
	struct params params;

	if (ioctl(fd, PARAMS_GET, &params) ||
		(!params.usecs && !params.budget && !params.prefer))
		return NULL;
	entry = arena_new1(arena, StasisEpollParams);
	stasis_epoll_params__init(entry);
	entry->usecs = params.usecs;
	entry->budget = params.budget;
	entry->prefer = params.prefer;
	return entry;
}

static int params_restore(
	int fd, const StasisEpollParams *entry, struct err *err)
{
	struct params params;

	if (!entry)
		return 0;
	params = (struct params){.usecs = entry->usecs,
		.budget = (uint16_t)entry->budget,
		.prefer = entry->prefer};
	if (ioctl(fd, PARAMS_SET, &params))
		return err_errno(
			err, "setting the busy polling of an epoll set");
	return 0;
}

static int eventpoll_capture(struct dump *dump, const struct sighting *sighting,
	void *msg, struct err *err)
{
	EventpollFileEntry *set = arena_new1(dump->arena, EventpollFileEntry);
	const struct fdinfo *info = &sighting->info;
	FileEntry *entry = msg;
	struct index turns = {0};
	int code = 0;

	eventpoll_file_entry__init(set);
	entry->type = FD_TYPES__EVENTPOLL;
	entry->epfd = set;
	set->id = entry->id;
	set->flags = info->flags & ~(uint32_t)O_CLOEXEC;
	set->stasis_params = params_capture(dump->arena, sighting->fd);
	set->tfd =
		arena_newn(dump->arena, EventpollTfdEntry *, info->epoll_n + 1);
	for (size_t i = 0; i < info->epoll_n && !code; i++)
		code = target_capture(dump, sighting, i, &turns,
			&set->tfd[set->n_tfd++], err);
	return code ? code : fown_capture(dump, sighting, &set->fown, err);
}

static int eventpoll_make(struct restore *restore, struct object *object,
	int *ret_fd, struct err *err)
{
	const EventpollFileEntry *set = object->entry->epfd;
	_cleanup_fd_ int fd = -1;
	int code;

	(void)restore;
	fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "making an epoll set");
	code = fown_flags_set(fd, set->flags, err);
	if (!code)
		code = params_restore(fd, set->stasis_params, err);
	if (!code)
		*ret_fd = fd_take(&fd);
	return code;
}

/* Another task's file is taken from the shelf. */
static int eventpoll_plan(
	const struct plan_view *view, struct object *object, struct err *err)
{
	const EventpollFileEntry *set = object->entry->epfd;
	const EventpollTfdEntry *target;
	const struct task *task;
	const FdinfoEntry *entry;
	struct object *other;

	(void)err;
	object_share(view, object, 0, 0);
	for (size_t i = 0; i < set->n_tfd; i++) {
		target = set->tfd[i];
		task = target->has_stasis_pid
			       ? tree_find(
					 view->tree, (pid_t)target->stasis_pid)
			       : NULL;
		entry = task ? task_fd(task, target->stasis_fd) : NULL;
		other = entry ? objects_find(view->objects, entry->id) : NULL;
		if (other)
			object_link(view->arena, object, other);
	}
	return 0;
}

/* Where the target's file is open in the task that adds it: under a number of
 * its own, or still on the shelf, for another task. */
static int source_find(const struct holder *holder,
	const EventpollTfdEntry *target, int *ret_fd, struct err *err)
{
	bool other = target->has_stasis_pid && target->has_stasis_fd;
	const struct task *task =
		!other ? holder->task
		: holder->tree
			? tree_find(holder->tree, (pid_t)target->stasis_pid)
			: NULL;
	const FdinfoEntry *entry =
		task ? task_fd(task, other ? target->stasis_fd : target->tfd)
		     : NULL;
	const struct object *object =
		entry ? holder_object(holder, entry->id) : NULL;

	if (!entry || (target->has_stasis_pid && !object))
		return err_set(err, EBADMSG,
			"process %d: fd %d is an epoll set that watches fd "
			"%u, which the process has not",
			holder->task->pid, holder->fd, target->tfd);
	*ret_fd = target->has_stasis_pid ? object->slot : (int)target->tfd;
	return 0;
}

/* Under a number that is another file's, or nobody's: it is the target's for
 * a moment. */
static void number_borrow(struct tape *tape, const struct holder *holder,
	int source, uint32_t number, uint64_t event)
{
	const FdinfoEntry *owner = task_fd(holder->task, number);
	uint32_t aside = 0;

	if (owner)
		aside = tape_call(
			tape, CALL_fcntl, A(number), A(F_DUPFD_CLOEXEC), A(0));
	tape_call(tape, CALL_dup3, A(source), A(number), A(O_CLOEXEC));
	tape_call(tape, CALL_epoll_ctl, A(holder->fd), A(EPOLL_CTL_ADD),
		A(number), A_DATA(event));
	if (!owner) {
		tape_call(tape, CALL_close, A(number));
		return;
	}
	tape_call(tape, CALL_dup3, A_RESULT(aside), A(number),
		A(owner->flags & 1 ? O_CLOEXEC : 0));
	tape_call(tape, CALL_close, A_RESULT(aside));
}

static int target_emit(struct tape *tape, const struct holder *holder,
	const EventpollTfdEntry *target, struct err *err)
{
	struct epoll_event event = {
		.events = target->events,
		.data.u64 = target->data,
	};
	uint32_t number =
		target->has_stasis_number ? target->stasis_number : target->tfd;
	int source = -1, code = source_find(holder, target, &source, err);
	uint64_t data;

	if (code)
		return code;
	tape_about(
		tape, "fd %d: an epoll set, adding fd %u", holder->fd, number);
	data = tape_data(tape, &event, sizeof(event));
	if (source != (int)number)
		number_borrow(tape, holder, source, number, data);
	else
		tape_call(tape, CALL_epoll_ctl, A(holder->fd), A(EPOLL_CTL_ADD),
			A(number), A_DATA(data));
	return 0;
}

/* What was told once and was to be told no more (EPOLLONESHOT) waits not even
 * for errors; nothing else can. */
static bool is_fired(const EventpollTfdEntry *target)
{
	return target->events & EPOLLONESHOT &&
	       !(target->events & (EPOLLERR | EPOLLHUP));
}

/* Whoever is added waits for errors and the other side's end. Where these have
 * come, they are told once more, here and to nobody. */
static void fired_drain(
	struct tape *tape, const struct holder *holder, size_t n)
{
	uint64_t room = tape_data(tape, NULL, n * sizeof(struct epoll_event));

	tape_about(tape, "fd %d: an epoll set, what was told", holder->fd);
	tape_try(tape, CALL_epoll_pwait, A(holder->fd), A_DATA(room), A(n),
		A(0), A(0), A(0));
}

static int targets_emit(struct tape *tape, const struct holder *holder,
	const EventpollFileEntry *set, bool fired, struct err *err)
{
	size_t n = 0;
	int code = 0;

	for (size_t i = 0; i < set->n_tfd && !code; i++) {
		if (is_fired(set->tfd[i]) != fired)
			continue;
		code = target_emit(tape, holder, set->tfd[i], err);
		n++;
	}
	if (fired && n && !code)
		fired_drain(tape, holder, n);
	return code;
}

static int eventpoll_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const EventpollFileEntry *set = object->entry->epfd;
	int code;

	if (!holder->first)
		return 0;
	code = targets_emit(tape, holder, set, true, err)
		       ?: targets_emit(tape, holder, set, false, err);
	fown_emit(tape, holder, set->fown, set->flags);
	return code;
}

const struct kind kind_eventpoll = {
	.name = "epoll set",
	.scope = SCOPE_FILE,
	.tag = FD_TYPES__EVENTPOLL,
	.schema = &eventpoll_file_entry__descriptor,
	.claims = eventpoll_claims,
	.capture = eventpoll_capture,
	.plan = eventpoll_plan,
	.make = eventpoll_make,
	.emit = eventpoll_emit,
};
