/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "kinds/file/lib/memory_object.h"

/* Closed again: there may be more objects than we may open files. */
static int object_open(
	const struct memory_object *object, int *ret_fd, struct err *err)
{
	_cleanup_fd_ int fd = open(object->path, O_RDONLY | O_CLOEXEC);
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat))
		return err_errno(err, "opening %s", object->path);
	if (stat.st_dev != object->dev || stat.st_ino != object->ino)
		return err_set(
			err, ESTALE, "%s is another file by now", object->path);
	*ret_fd = fd_take(&fd);
	return 0;
}

/* The stretches that hold data; holes read as zeros and are left out. */
static int data_find(struct dump *dump, struct pages_jobs *jobs,
	struct pages_job *job, const struct memory_object *object, int fd,
	struct err *err)
{
	uint64_t page = dump->run->page_size, at = 0, end;
	off_t data, hole;
	int code = 0;

	while (!code && at < object->size) {
		data = lseek(fd, (off_t)at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			return err_errno(err, "looking for data");
		at = (uint64_t)data & ~(page - 1);
		end = ((uint64_t)hole + page - 1) & ~(page - 1);
		dump->run->stats.shpages_scanned += (end - at) / page;
		code = pages_job_add(
			dump, jobs, job, at, end - at, PAGES_PRESENT, err);
		at = end;
	}
	return code;
}

static int object_capture(struct dump *dump, struct pages_jobs *jobs,
	const struct memory_object *object, struct err *err)
{
	struct pages_job *job = NULL;
	_cleanup_fd_ int fd = -1;
	int code = object_open(object, &fd, err);

	if (code)
		return code;
	/* A last page that the object ends within reads as short: grow none. */
	code = pages_job_new_object(
		dump, jobs, object->shmid, object->path, &job, err);
	if (code)
		return code;
	code = data_find(dump, jobs, job, object, fd, err);
	return code ?: pages_job_end(jobs, job, err);
}

int shared_capture(struct dump *dump, struct pages_jobs *jobs, struct err *err)
{
	struct memory_object *object;
	int code;

	for (size_t i = 0; dump->memory && i < dump->memory->list.n; i++) {
		object = dump->memory->list.at[i];
		code = object_capture(dump, jobs, object, err);
		if (code)
			return err_wrap(
				err, "shared memory object %u", object->shmid);
	}
	return 0;
}
