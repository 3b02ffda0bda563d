/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "image/digest.h"

/* Below so many bytes a second thread costs more than it saves. */
#define ALONE_BYTES (16ull << 20)
/* Holes make a set of any size that costs its maker nothing. */
#define BYTES_MAX (64ull << 40)

enum {
	WORKERS_MAX = 4,
	KEEP_BYTES = 64 << 10, /* of one file; most images have less */
};

/* One chunk of one file: what a worker takes at a time. */
struct unit {
	uint32_t file;
	uint32_t chunk;
	int code; /* 0 or -errno of reading */
	uint64_t hash;
};

struct check {
	int dir;
	const StasisManifest *manifest;
	struct unit *units;
	struct verified *files;
	bool small; /* big pages files are not read */
	size_t n;
	atomic_size_t next;
};

static int verify_fail(const char *name, struct err *err)
{
	err_wrap(err, "%s does not match the manifest", name);
	return err_hint(err,
		"the image is damaged or incomplete: copy it again, or dump "
		"again; after an intended change remove stasis.img");
}

struct image_mark image_mark(const struct stat *st)
{
	return (struct image_mark){st->st_dev, st->st_ino,
		(uint64_t)st->st_size, st->st_mtim, st->st_ctim};
}

static bool time_is(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool image_mark_is(const struct image_mark *mark, const struct stat *st)
{
	const struct image_mark now = image_mark(st);

	return now.dev == mark->dev && now.ino == mark->ino &&
	       now.size == mark->size &&
	       time_is(&now.modified, &mark->modified) &&
	       time_is(&now.changed, &mark->changed);
}

static int verify_size(int dir, const StasisFile *file,
	struct image_mark *ret_mark, struct err *err)
{
	struct stat st;

	if (fstatat(dir, file->name, &st, 0) < 0)
		errno == ENOENT ? err_set(err, ENOENT, "it is missing")
				: err_errno(err, "looking at it");
	else if (!S_ISREG(st.st_mode))
		err_set(err, EBADMSG, "it is not a regular file");
	else if ((uint64_t)st.st_size != file->size)
		err_set(err, EBADMSG,
			"it has %" PRIu64 " bytes, it should have %" PRIu64,
			(uint64_t)st.st_size, file->size);
	else {
		*ret_mark = image_mark(&st);
		return 0;
	}
	return verify_fail(file->name, err);
}

static int kept_read(int fd, void *bytes, size_t size, uint64_t *ret_hash)
{
	int code = io_pread_exact(fd, bytes, size, 0);

	if (!code)
		*ret_hash = digest_chunk(bytes, size);
	return code;
}

static void unit_read(const struct check *check, struct unit *unit)
{
	const StasisFile *file = check->manifest->file[unit->file];
	const struct verified *verified = &check->files[unit->file];
	_cleanup_fd_ int fd = -1;
	struct stat st;

	unit->code = io_open_regular(
		check->dir, file->name, file->size, &fd, &st, ERR_UNREAD);
	if (!unit->code && !image_mark_is(&verified->mark, &st))
		unit->code = -EBUSY;
	if (unit->code)
		return;
	if (verified->bytes)
		unit->code = kept_read(
			fd, verified->bytes, (size_t)file->size, &unit->hash);
	else
		unit->code = digest_read_chunk(
			fd, file->size, unit->chunk, &unit->hash);
}

static void *worker_run(void *arg)
{
	struct check *check = arg;
	size_t i;

	while ((i = atomic_fetch_add(&check->next, 1)) < check->n)
		unit_read(check, &check->units[i]);
	return NULL;
}

/* Threads that cannot be started are done without. */
static void check_run(struct check *check, uint64_t bytes)
{
	pthread_t workers[WORKERS_MAX];
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int n = 0;

	if (cpus > WORKERS_MAX)
		cpus = WORKERS_MAX;
	while (bytes >= ALONE_BYTES && n < cpus - 1 &&
		pthread_create(&workers[n], NULL, worker_run, check) == 0)
		n++;
	worker_run(check);
	while (n > 0)
		pthread_join(workers[--n], NULL);
}

/* The units of one file stand side by side. */
static int file_judge(struct arena *arena, const StasisFile *file,
	const struct unit *units, struct err *err)
{
	size_t n = digest_chunk_count(file->size);
	uint64_t *hashes = arena_newn(arena, uint64_t, n);

	for (size_t i = 0; i < n; i++) {
		if (units[i].code < 0) {
			if (units[i].code == -EBUSY)
				err_set(err, EBADMSG,
					"it was changed while it was read");
			else
				err_code(err, units[i].code, "reading it");
			return verify_fail(file->name, err);
		}
		hashes[i] = units[i].hash;
	}
	if (digest_join(hashes, n) == file->xxh3)
		return 0;
	err_set(err, EBADMSG, "its content has changed");
	return verify_fail(file->name, err);
}

/* How much of a file is read. */
static size_t units_of(const struct check *check, const StasisFile *file)
{
	/* Somebody was killed while he made holes in it. */
	if (file->has_opened_up && file->opened_up)
		return 0;
	return check->small && file->size > ALONE_BYTES &&
			       !strncmp(file->name, "pages-", 6)
		       ? 0
		       : digest_chunk_count(file->size);
}

/* Sizes first: they cost nothing and bound what is allocated next. */
static int check_prepare(struct arena *arena, struct check *check,
	uint64_t *ret_bytes, struct err *err)
{
	const StasisManifest *manifest = check->manifest;
	uint64_t bytes = 0;
	size_t units = 0;
	int code;

	for (size_t i = 0; i < manifest->n_file; i++) {
		code = verify_size(check->dir, manifest->file[i],
			&check->files[i].mark, err);
		if (code < 0)
			return code;
		if (manifest->file[i]->size > BYTES_MAX - bytes)
			return err_set(err, EFBIG,
				"the images have more than %llu bytes in all",
				BYTES_MAX);
		units += units_of(check, manifest->file[i]);
		bytes += manifest->file[i]->size;
	}
	check->units = arena_newn(arena, struct unit, units + 1);
	for (size_t i = 0; i < manifest->n_file; i++) {
		units = units_of(check, manifest->file[i]);
		if (manifest->file[i]->size <= KEEP_BYTES)
			check->files[i].bytes = arena_alloc(
				arena, (size_t)manifest->file[i]->size + 1);
		for (size_t k = 0; k < units; k++)
			check->units[check->n++] = (struct unit){
				.file = (uint32_t)i, .chunk = (uint32_t)k};
	}
	*ret_bytes = bytes;
	return 0;
}

int manifest_verify(struct arena *arena, int dir,
	const StasisManifest *manifest, bool small, struct verified *ret,
	struct err *err)
{
	struct check check = {
		.dir = dir, .manifest = manifest, .small = small, .files = ret};
	uint64_t bytes = 0;
	size_t unit = 0;
	int code;

	code = check_prepare(arena, &check, &bytes, err);
	if (code < 0)
		return code;
	check_run(&check, bytes);
	for (size_t i = 0; i < manifest->n_file; i++) {
		if (!units_of(&check, manifest->file[i]))
			continue;
		code = file_judge(
			arena, manifest->file[i], &check.units[unit], err);
		if (code < 0)
			return code;
		unit += units_of(&check, manifest->file[i]);
	}
	return 0;
}
