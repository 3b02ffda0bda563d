/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "restore/inherit.h"

static int room_check(const struct plan *plan, struct err *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return err_errno(err, "reading the limit of open files");
	if ((rlim_t)plan->shelf_end < limit.rlim_cur)
		return 0;
	limit.rlim_cur = limit.rlim_max;
	if ((rlim_t)plan->shelf_end >= limit.rlim_max ||
		setrlimit(RLIMIT_NOFILE, &limit)) {
		err_set(err, EMFILE,
			"the restore needs fd numbers up to %d, the limit of "
			"open files is %llu",
			plan->shelf_end, (unsigned long long)limit.rlim_max);
		return err_hint(
			err, "raise it: ulimit -Hn %d", plan->shelf_end + 1);
	}
	return 0;
}

static int shelve(int fd, int slot, struct err *err)
{
	int code = 0;

	if (fd == slot)
		return 0;
	if (dup3(fd, slot, O_CLOEXEC) < 0)
		code = err_errno(err, "putting it on the shelf at %d", slot);
	close(fd);
	return code;
}

static int object_make(struct restore *restore, struct plan *plan,
	struct object *object, struct err *err)
{
	int slot = plan->shelf_base + object->rank, fd, code;

	code = object->given ? inherit_open(object, &fd, err)
			     : object->kind->make(restore, object, &fd, err);
	if (!code)
		code = shelve(fd, slot, err);
	if (code)
		return err_wrap(
			err, "file %u (%s)", object->id, object->kind->name);
	object->shelf_fd = slot;
	return 0;
}

static int reopen_make(struct restore *restore, struct plan *plan,
	const struct plan_reopen *reopen, struct err *err)
{
	const struct kind *kind = reopen->object->kind;
	char path[32];
	int fd, code;

	if (kind->open_mapping && !reopen->object->given) {
		code = kind->open_mapping(restore, reopen->object, &fd, err);
		return code ?: shelve(fd, reopen->slot, err);
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d",
		plan->shelf_base + reopen->object->rank);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err,
			"opening file %u for writing, to map it shared",
			reopen->object->id);
	return shelve(fd, reopen->slot, err);
}

int make_shelf(struct restore *restore, struct plan *plan, struct err *err)
{
	int code, proc;

	code = room_check(plan, err);
	if (!code)
		code = inherit_park(restore, plan, err);
	for (size_t i = 0; i < plan->order.n && !code; i++)
		code = object_make(restore, plan, plan->order.at[i], err);
	for (size_t i = 0; i < plan->reopens.n && !code; i++)
		code = reopen_make(restore, plan, &plan->reopens.at[i], err);
	if (code)
		return code;
	proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return err_errno(err, "opening /proc");
	return shelve(proc, plan->proc_slot, err);
}

void make_clear(const struct plan *plan)
{
	if (plan->shelf_base)
		close_range((unsigned)plan->shelf_base, ~0u, 0);
}
