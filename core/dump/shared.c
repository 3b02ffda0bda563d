/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "dump/track.h"
#include "kinds/file/lib/memory_object.h"

/* Closed again: there may be more objects than we may open files. */
static int object_open(
	const struct memory_object *object, int *ret_fd, struct err *err)
{
	_cleanup_fd_ int fd = object->held < 0
				      ? open(object->path, O_RDONLY | O_CLOEXEC)
				      : fcntl(object->held, F_DUPFD_CLOEXEC, 3);
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat))
		return err_errno(err, "opening %s", object->path);
	if (stat.st_dev != object->dev || stat.st_ino != object->ino)
		return err_set(
			err, ESTALE, "%s is another file by now", object->path);
	*ret_fd = fd_take(&fd);
	return 0;
}

/* What the parent has of an object, and a look at both side by side. */
struct likeness {
	struct dump *dump;
	struct pages_jobs *jobs;
	struct pages_job *job;
	int fd;
	struct source_reader parent; /* source NULL: nothing to compare with */
	char *now, *then;
};

enum { LOOK = 256 << 10 };

/* Pages that are as they were, and those that are not, in turns. */
static int piece_add(
	struct likeness *like, uint64_t at, size_t size, struct err *err)
{
	struct stats *stats = &like->dump->run->stats;
	size_t page = like->dump->run->page_size, from = 0, to;
	size_t there = source_read(&like->parent, at, like->then, size);
	ssize_t got = pread(like->fd, like->now, size, (off_t)at);
	bool same, next;
	int code = 0;

	if (got < 0)
		return err_errno(err, "comparing it with the parent");
	memset(like->now + got, 0, size - (size_t)got);
	for (; from < size && !code; from = to) {
		same = from + page <= there &&
		       !memcmp(like->now + from, like->then + from, page);
		for (to = from + page; to < size; to += page) {
			next = to + page <= there &&
			       !memcmp(like->now + to, like->then + to, page);
			if (next != same)
				break;
		}
		if (same)
			stats->shpages_skipped_parent += (to - from) / page;
		code = pages_job_add(like->dump, like->jobs, like->job,
			at + from, to - from,
			same ? PAGES_PARENT : PAGES_PRESENT, err);
	}
	return code;
}

static int data_add(
	struct likeness *like, uint64_t at, uint64_t end, struct err *err)
{
	const struct source *parent = like->parent.source;
	const struct source_piece *piece;
	uint64_t stop;
	size_t i;
	int code = 0;

	for (; at < end && !code; at = stop) {
		stop = end;
		i = parent ? source_behind(parent, at) : 0;
		piece = parent && i < parent->n ? &parent->pieces[i] : NULL;
		if (!piece || piece->vaddr >= end) {
			code = pages_job_add(like->dump, like->jobs, like->job,
				at, end - at, PAGES_PRESENT, err);
		} else if (piece->vaddr > at) {
			stop = piece->vaddr;
			code = pages_job_add(like->dump, like->jobs, like->job,
				at, stop - at, PAGES_PRESENT, err);
		} else {
			stop = source_piece_end(parent, piece);
			stop = stop < end ? stop : end;
			stop = stop - at < LOOK ? stop : at + LOOK;
			code = piece_add(like, at, (size_t)(stop - at), err);
		}
	}
	return code;
}

/* The stretches that hold data; holes read as zeros and are left out. */
static int data_find(struct likeness *like, const struct memory_object *object,
	struct err *err)
{
	uint64_t page = like->dump->run->page_size, at = 0, end;
	off_t data, hole;
	int code = 0;

	while (!code && at < object->size) {
		data = lseek(like->fd, (off_t)at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		hole = data < 0 ? -1 : lseek(like->fd, data, SEEK_HOLE);
		if (hole < 0)
			return err_errno(err, "looking for data");
		at = (uint64_t)data & ~(page - 1);
		end = ((uint64_t)hole + page - 1) & ~(page - 1);
		like->dump->run->stats.shpages_scanned += (end - at) / page;
		code = data_add(like, at, end, err);
		at = end;
	}
	return code;
}

static void parent_take(
	struct likeness *like, const struct memory_object *object)
{
	const struct track *track = like->dump->track;
	const struct parent *parent = track ? track->parent : NULL;
	struct arena *arena = like->dump->arena;
	const struct source *source =
		parent && !like->dump->wire
			? parent_object(parent, object->shmid)
			: NULL;

	if (!source)
		return;
	source_reader_open(&like->parent, arena, source);
	like->now = arena_alloc(arena, LOOK);
	like->then = arena_alloc(arena, LOOK);
}

static int object_capture(struct dump *dump, struct pages_jobs *jobs,
	const struct memory_object *object, struct err *err)
{
	struct likeness like = {.dump = dump, .jobs = jobs};
	_cleanup_fd_ int fd = -1;
	int code = object_open(object, &fd, err);

	if (code)
		return code;
	/* A last page that the object ends within reads as short: grow none. */
	code = pages_job_new_object(
		dump, jobs, object->shmid, object->path, &like.job, err);
	if (code)
		return code;
	if (object->held >= 0)
		like.job->source = fcntl(object->held, F_DUPFD_CLOEXEC, 3);
	like.fd = fd;
	parent_take(&like, object);
	code = data_find(&like, object, err);
	source_reader_close(&like.parent);
	return code ?: pages_job_end(jobs, like.job, err);
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

/* --- of a round ----------------------------------------------------------- */

static bool is_known(const struct dump *dump, const struct stat *st)
{
	const struct memory_object *object;

	for (size_t i = 0; i < dump->memory->list.n; i++) {
		object = dump->memory->list.at[i];
		if (object->ino == st->st_ino && object->dev == st->st_dev)
			return true;
	}
	return false;
}

static void object_hold(
	struct dump *dump, struct victim *victim, const char *link)
{
	struct sighting sighting = {.victim = victim, .link = link};
	int fd = openat(victim->proc.dir, link, O_RDONLY | O_CLOEXEC);
	struct memory_object *object;
	uint32_t shmid;

	if (fd < 0 || fstat(fd, &sighting.stat) ||
		!S_ISREG(sighting.stat.st_mode) ||
		is_known(dump, &sighting.stat)) {
		fd_closep(&fd);
		return;
	}
	memory_object_tell(dump, &sighting, &shmid);
	object = index_get(&dump->memory->by_shmid, shmid);
	object->held = fd;
}

static bool is_memory(const char *path)
{
	return !strncmp(path, "/memfd:", 7) || !strcmp(path, "/dev/zero") ||
	       !strncmp(path, "[anon_shmem:", 12);
}

static void mapped_find(struct dump *dump, struct victim *victim)
{
	const struct map *map;
	char link[64];

	for (size_t i = 0; i < victim->maps.n; i++) {
		map = &victim->maps.at[i];
		if (!map->shared || map->flags & MAP_VM_HT ||
			!is_memory(map->path))
			continue;
		snprintf(link, sizeof(link), "map_files/%llx-%llx",
			(unsigned long long)map->start,
			(unsigned long long)map->end);
		object_hold(dump, victim, link);
	}
}

static void opened_find(struct dump *dump, struct victim *victim)
{
	char link[32], target[16];
	size_t n = 0;
	int *fds;

	if (proc_list_fds(dump->arena, &victim->proc, &fds, &n, ERR_UNREAD))
		return;
	for (size_t i = 0; i < n; i++) {
		snprintf(link, sizeof(link), "fd/%d", fds[i]);
		memset(target, 0, sizeof(target));
		if (readlinkat(victim->proc.dir, link, target,
			    sizeof(target) - 1) > 0 &&
			!strncmp(target, "/memfd:", 7))
			object_hold(dump, victim, link);
	}
}

void shared_find(struct dump *dump)
{
	struct victim *victim;

	dump->memory = arena_new1(dump->arena, struct memory_objects);
	for (size_t i = 0; i < dump->victims.n; i++) {
		victim = dump->victims.at[i];
		if (victim->state == TASK_DEAD)
			continue;
		mapped_find(dump, victim);
		opened_find(dump, victim);
	}
}

void shared_close(struct dump *dump)
{
	for (size_t i = 0; dump->memory && i < dump->memory->list.n; i++) {
		fd_closep(&dump->memory->list.at[i]->held);
		dump->memory->list.at[i]->held = -1;
	}
}
