/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct shared_object {
	uint32_t shmid;
	int fd;
	uint64_t size;
};

struct shared_book {
	VEC(struct shared_object) objects;
};

int dump_shared(struct dump *dump, uint32_t shmid, int fd, uint64_t size,
	struct err *err)
{
	struct shared_object *object;

	if (!dump->shared)
		dump->shared = arena_new1(dump->arena, struct shared_book);
	for (size_t i = 0; i < dump->shared->objects.n; i++)
		if (dump->shared->objects.at[i].shmid == shmid)
			return 0;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return err_errno(err, "keeping memory object %u open", shmid);
	object = vec_push(dump->arena, &dump->shared->objects);
	*object = (struct shared_object){shmid, fd, size};
	return 0;
}

/* The stretches that hold data; holes read as zeros and are left out. */
static int data_find(struct dump *dump, struct pages_jobs *jobs,
	struct pages_job *job, const struct shared_object *object,
	struct err *err)
{
	uint64_t page = dump->run->page_size, at = 0, end;
	off_t data, hole;
	int code = 0;

	while (!code && at < object->size) {
		data = lseek(object->fd, (off_t)at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		hole = data < 0 ? -1 : lseek(object->fd, data, SEEK_HOLE);
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
	struct shared_object *object, struct err *err)
{
	struct pages_job *job;
	int code;

	/* A last page that the object ends within reads as short: grow none. */
	code = pages_job_new_object(
		dump, jobs, object->shmid, object->fd, &job, err);
	if (!code)
		code = data_find(dump, jobs, job, object, err);
	if (!code)
		code = pages_job_end(jobs, job, err);
	if (!code)
		object->fd = -1; /* the job closes it */
	else
		job->source = -1;
	return code;
}

int shared_capture(struct dump *dump, struct pages_jobs *jobs, struct err *err)
{
	struct shared_object *object;
	int code;

	for (size_t i = 0; dump->shared && i < dump->shared->objects.n; i++) {
		object = &dump->shared->objects.at[i];
		code = object_capture(dump, jobs, object, err);
		if (code)
			return err_wrap(
				err, "shared memory object %u", object->shmid);
	}
	return 0;
}

void shared_close(struct dump *dump)
{
	for (size_t i = 0; dump->shared && i < dump->shared->objects.n; i++) {
		if (dump->shared->objects.at[i].fd >= 0)
			close(dump->shared->objects.at[i].fd);
		dump->shared->objects.at[i].fd = -1;
	}
}
