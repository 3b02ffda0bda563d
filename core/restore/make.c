/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "restore/inherit.h"
#include "kinds/file/lib/memory_object.h"
#include "kinds/kinds.h"

/* The hard limit, too, is raised where that is allowed. */
static int room_make(
	struct restore *restore, const struct plan *plan, struct err *err)
{
	int wanted = plan->shelf_end > plan->fds_end ? plan->shelf_end
						     : plan->fds_end;
	struct rlimit limit, raised;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return err_errno(err, "reading the limit of open files");
	if ((rlim_t)wanted <= limit.rlim_cur)
		return 0;
	raised = (struct rlimit){limit.rlim_max, limit.rlim_max};
	if ((rlim_t)wanted > limit.rlim_max)
		raised = (struct rlimit){(rlim_t)wanted, (rlim_t)wanted};
	if (setrlimit(RLIMIT_NOFILE, &raised)) {
		err_set(err, EMFILE,
			"the restore needs fd numbers up to %d, the limit of "
			"open files is %llu",
			wanted - 1, (unsigned long long)limit.rlim_max);
		return err_hint(err, "raise it: ulimit -Hn %d", wanted);
	}
	restore->files_limit = limit;
	restore->files_raised = true;
	return 0;
}

/* fd goes to a number that must be free, unless it has it already. */
static int number_give(int fd, int number, int cloexec, struct err *err)
{
	int given, code = 0;

	if (fd == number) {
		if (fcntl(fd, F_SETFD, cloexec ? FD_CLOEXEC : 0))
			code = err_errno(err, "marking fd %d", fd);
		return code;
	}
	/* The first that is free from there on. */
	given = fcntl(fd, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, number);
	if (given < 0) {
		code = err_errno(err, "putting it at fd %d", number);
	} else if (given != number) {
		close(given);
		code = err_set(err, EBUSY,
			"fd %d, which is wanted for it, is open already",
			number);
	}
	close(fd);
	return code;
}

static int object_make(
	struct restore *restore, struct object *object, struct err *err)
{
	int slot = object->slot, fd, code;
	char name[OBJECT_NAME];

	code = object->given ? inherit_open(object, &fd, err)
			     : object->kind->make(restore, object, &fd, err);
	if (!code)
		code = number_give(fd, slot, O_CLOEXEC, err);
	if (code)
		return err_wrap(err, "%s", object_name(object, name));
	object->shelf_fd = slot;
	return 0;
}

static int reopen_make(
	struct restore *restore, const struct object *object, struct err *err)
{
	int fd, code;

	code = kinds_open_mapping(restore, object, object->slot, &fd, err);
	return code ?: number_give(fd, object->write_slot, O_CLOEXEC, err);
}

/* With all that have something in common with it. */
static int objects_make(
	struct restore *restore, struct object *first, struct err *err)
{
	struct object *object;
	int code = 0;

	for (object = first; object && !code; object = object->next_with)
		code = object_make(restore, object, err);
	for (object = first; object && !code; object = object->next_with)
		if (object->write_slot >= 0)
			code = reopen_make(restore, object, err);
	return code ?: memory_shelf_clear(restore, err);
}

/* What tasks find other things by. */
static int guides_make(
	struct restore *restore, const struct plan *plan, struct err *err)
{
	int proc, root, images, code;

	proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return err_errno(err, "opening /proc");
	code = number_give(proc, plan->proc_slot, O_CLOEXEC, err);
	if (code)
		return code;
	root = fcntl(restore->root, F_DUPFD_CLOEXEC, 0);
	if (root < 0)
		return err_errno(err, "keeping the root directory");
	code = number_give(root, plan->root_slot, O_CLOEXEC, err);
	if (code)
		return code;
	images = fcntl(image_set_dir(restore->images), F_DUPFD_CLOEXEC, 0);
	if (images < 0)
		return err_errno(err, "keeping the directory of the images");
	return number_give(images, plan->images_slot, O_CLOEXEC, err);
}

static int shelf_link(
	struct restore *restore, struct object *object, int fd, struct err *err)
{
	char name[OBJECT_NAME];
	int code = object->given ? 0 : kinds_link(restore, object, fd, err);

	return code ? err_wrap(err, "%s", object_name(object, name)) : 0;
}

int make_shelf(struct restore *restore, struct plan *plan, struct err *err)
{
	struct object *object;
	int code;

	code = room_make(restore, plan, err);
	restore->keep_from = plan->keep_slot;
	restore->keep_n = PLAN_KEEP;
	restore->park_from = plan->shelf_end;
	for (size_t i = 0; i < plan->order.n && !code; i++) {
		object = plan->order.at[i];
		if (!object->apart && object->shelf_fd < 0)
			code = objects_make(restore, object, err);
	}
	for (size_t i = 0; i < plan->order.n && !code; i++) {
		object = plan->order.at[i];
		if (!object->apart)
			code = shelf_link(
				restore, object, object->shelf_fd, err);
	}
	return code ?: guides_make(restore, plan, err);
}

void make_clear(struct restore *restore, const struct plan *plan)
{
	if (plan->shelf_base)
		close_range((unsigned)plan->shelf_base,
			(unsigned)plan->shelf_end - 1, 0);
	if (restore->files_raised)
		setrlimit(RLIMIT_NOFILE, &restore->files_limit);
	restore->files_raised = false;
}

/* --- apart -------------------------------------------------------------- */

/* Its first number, then the others. */
static int numbers_fill(struct object *object, int fd, struct err *err)
{
	const struct holder *first = &object->holders.at[0], *other;
	int code, copy;

	code = number_give(fd, first->fd, first->cloexec ? O_CLOEXEC : 0, err);
	if (code)
		return code;
	object->shelf_fd = first->fd;
	for (size_t i = 1; i < object->holders.n && !code; i++) {
		other = &object->holders.at[i];
		copy = fcntl(first->fd, F_DUPFD_CLOEXEC, 0);
		if (copy < 0)
			return err_errno(err, "duplicating fd %d", first->fd);
		code = number_give(
			copy, other->fd, other->cloexec ? O_CLOEXEC : 0, err);
	}
	return code;
}

static int apart_make(
	struct restore *restore, struct object *object, struct err *err)
{
	char name[OBJECT_NAME];
	int fd, code = object->kind->make(restore, object, &fd, err);

	if (!code)
		code = numbers_fill(object, fd, err);
	return code ? err_wrap(err, "%s", object_name(object, name)) : 0;
}

int make_apart(const struct restore *restore, const struct plan *plan,
	const struct plan_task *pt, struct err *err)
{
	struct arena *arena;
	struct restore own = *restore;
	int code = 0;

	if (!pt->makes.n)
		return 0;
	/* What the coordinator knows is others', too: only added to. */
	own.arena = arena = arena_new_below(restore->run->arena);
	own.book = book_copy(arena, restore->book);
	own.images = image_set_view(arena, restore->images, plan->images_slot);
	own.root = plan->root_slot;
	own.memory = NULL;
	for (size_t i = 0; i < pt->makes.n && !code; i++) {
		code = apart_make(&own, pt->makes.at[i], err);
		if (code || pt->makes.at[i]->next_with)
			continue;
		/* Nobody has it mapped. */
		code = memory_shelf_seal(&own, err);
		memory_shelf_close(&own);
	}
	for (size_t i = 0; i < pt->makes.n && !code; i++)
		code = shelf_link(
			&own, pt->makes.at[i], pt->makes.at[i]->shelf_fd, err);
	return code ?: run_check_memory(restore->run, err);
}
