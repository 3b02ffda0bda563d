/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/lazy.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "kernel/pidfd.h"
#include "kernel/uffd.h"
#include "pages/announce.h"

int lazy_begin(struct restore *restore, struct err *err)
{
	restore->lazy = -1;
	return restore->run->opt->lazy_pages
		       ? announce_connect(&restore->lazy, err)
		       : 0;
}

void lazy_end(struct restore *restore)
{
	fd_closep(&restore->lazy);
	restore->lazy = -1;
}

/* On the shelf, so that who clears the fd table leaves it. */
int lazy_open(const struct birth_ward *ward, const struct plan_task *pt,
	struct err *err)
{
	_cleanup_fd_ int fd = -1;
	int code;

	if (!ward->plan->lazy)
		return 0;
	code = uffd_open(&fd, err);
	if (!code && dup3(fd, pt->uffd_slot, O_CLOEXEC) < 0)
		code = err_errno(err, "keeping a userfaultfd open");
	return code;
}

static int task_announce(const struct birth_ward *ward,
	const struct plan_task *pt, struct err *err)
{
	_cleanup_fd_ int pidfd = -1, uffd = -1;
	pid_t host = pt->task->host;
	int code = pidfd_open_task(host, 0, &pidfd, err);

	if (!code)
		code = pidfd_copy_file(pidfd, host, pt->uffd_slot, &uffd, err);
	return code
		       ?: announce_task(ward->restore->lazy, pt->task->pid,
				  uffd, err);
}

int lazy_announce(const struct birth_ward *ward, struct err *err)
{
	struct plan *plan = ward->plan;
	const struct task *task;
	int code = 0;

	for (size_t i = 0; i < plan->tree->tasks.n && !code && plan->lazy;
		i++) {
		task = plan->tree->tasks.at[i];
		code = task->state == TASK_DEAD
			       ? announce_task(ward->restore->lazy, task->pid,
					 -1, err)
			       : task_announce(ward, &plan->tasks[i], err);
	}
	return code ? err_wrap(err, "lazy pages") : 0;
}

int lazy_finish(const struct restore *restore, struct err *err)
{
	int code;

	if (restore->lazy < 0)
		return 0;
	code = announce_check(restore->lazy, err);
	return code ?: announce_finished(restore->lazy, err);
}
