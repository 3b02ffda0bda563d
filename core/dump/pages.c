/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "image/digest.h"
#include "image/stream.h"
#include "kernel/memory.h"
#include "pages/send.h"

enum { PIECE = 256 << 10, WORKERS_MAX = 8, IOV_N = 64, BATCH = 256 };

void pages_jobs_init(struct pages_jobs *jobs, const struct dump *dump)
{
	*jobs = (struct pages_jobs){
		.wire = dump->wire, .stream = dump->stream, .next_id = 1};
	jobs->last = &jobs->first;
}

static int job_begin(struct dump *dump, struct pages_jobs *jobs,
	struct pages_job *job, struct err *err)
{
	job->pages_id = jobs->next_id++;
	job->fd = -1;
	*jobs->last = job;
	jobs->last = &job->next;
	if (jobs->wire)
		return 0;
	return pages_writer_open(dump->images,
		job->what == WIRE_TASK ? IMAGE_PAGEMAP : IMAGE_PAGEMAP_SHMEM,
		job->id, job->pages_id, (uint32_t)dump->run->page_size,
		&job->writer, err);
}

int pages_job_new(struct dump *dump, struct pages_jobs *jobs,
	const struct victim *victim, struct pages_job **ret, struct err *err)
{
	struct pages_job *job = arena_new1(dump->arena, struct pages_job);

	job->what = WIRE_TASK;
	job->id = (uint64_t)victim->task->pid;
	job->pid = victim->pid;
	job->source = -1;
	*ret = job;
	return job_begin(dump, jobs, job, err);
}

int pages_job_new_object(struct dump *dump, struct pages_jobs *jobs,
	uint32_t shmid, const char *path, struct pages_job **ret,
	struct err *err)
{
	struct pages_job *job = arena_new1(dump->arena, struct pages_job);

	job->what = WIRE_SHARED;
	job->id = shmid;
	job->object = path;
	job->source = -1;
	*ret = job;
	return job_begin(dump, jobs, job, err);
}

static void run_add(struct arena *arena, struct pages_job *job,
	uint64_t page_size, const struct pages_run *run)
{
	struct pages_run *last =
		job->runs.n ? &job->runs.at[job->runs.n - 1] : NULL;

	if (last && last->flags == run->flags &&
		last->vaddr + last->nr_pages * page_size == run->vaddr)
		last->nr_pages += run->nr_pages;
	else
		*vec_push(arena, &job->runs) = *run;
}

static void span_add(struct arena *arena, struct pages_job *job, uint64_t start,
	uint64_t size)
{
	struct pages_span *last =
		job->spans.n ? &job->spans.at[job->spans.n - 1] : NULL;

	if (last && last->start + last->size == start)
		last->size += size;
	else
		*vec_push(arena, &job->spans) = (struct pages_span){
			.start = start, .size = size, .at = job->size};
	job->size += size;
}

int pages_job_add(struct dump *dump, struct pages_jobs *jobs,
	struct pages_job *job, uint64_t start, uint64_t size, uint32_t flags,
	struct err *err)
{
	const struct pages_run run = {
		start, size / dump->run->page_size, flags, job->size};

	if (flags & PAGES_PRESENT) {
		span_add(dump->arena, job, start, size);
		jobs->size += size;
	}
	if (!jobs->wire)
		return pages_writer_append(
			&job->writer, start, run.nr_pages, flags, err);
	run_add(dump->arena, job, dump->run->page_size, &run);
	return 0;
}

int pages_job_keep(struct dump *dump, struct pages_job *job, uint64_t start,
	uint64_t size, struct err *err)
{
	return pages_writer_append(&job->writer, start,
		size / dump->run->page_size, PAGES_LAZY, err);
}

int pages_job_end(
	struct pages_jobs *jobs, struct pages_job *job, struct err *err)
{
	return jobs->wire ? 0 : pages_writer_close(&job->writer, err);
}

/* What the workers share. A chunk is a number over all jobs. */
struct copy {
	struct run *run;
	struct progress *progress;
	struct pages_job **jobs;
	size_t *first_chunk; /* of each job, and one behind the last */
	size_t n_jobs;
	bool vm_read; /* process_vm_readv first */
	bool running; /* what is gone reads as zeros */
	atomic_size_t next;
	atomic_bool stop;
	pthread_t tracer; /* the calling thread */
	pthread_mutex_t lock;
	size_t *left; /* chunks that nobody but the tracer can read */
	size_t n_left;
	struct err *err; /* the first failure */
	int code;
};

static void copy_fail(struct copy *copy, const struct err *err)
{
	pthread_mutex_lock(&copy->lock);
	if (!copy->code) {
		copy->code = err_copy(copy->err, err);
	}
	pthread_mutex_unlock(&copy->lock);
	atomic_store(&copy->stop, true);
}

static void copy_fail_room(struct copy *copy)
{
	struct err err = {0};

	err_set(&err, ENOMEM, "no memory to copy pages through");
	copy_fail(copy, &err);
}

static void copy_leave(struct copy *copy, size_t number)
{
	pthread_mutex_lock(&copy->lock);
	copy->left[copy->n_left++] = number;
	pthread_mutex_unlock(&copy->lock);
}

static size_t span_find(const struct pages_job *job, uint64_t at)
{
	size_t low = 0, high = job->spans.n;

	while (high - low > 1) {
		size_t mid = (low + high) / 2;

		if (job->spans.at[mid].at <= at)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* Remote ranges of bytes [at, at + size) of the pages file, up to IOV_N. */
static size_t ranges_find(const struct pages_job *job, uint64_t at, size_t size,
	struct iovec *iov, size_t *ret_n)
{
	const struct pages_span *span;
	size_t n = 0, done = 0, skip, take;

	for (size_t i = span_find(job, at);
		i < job->spans.n && done < size && n < IOV_N; i++) {
		span = &job->spans.at[i];
		skip = (size_t)(at + done - span->at);
		take = (size_t)(span->size - skip);
		if (take > size - done)
			take = size - done;
		iov[n].iov_base = (void *)(uintptr_t)(span->start + skip);
		iov[n++].iov_len = take;
		done += take;
	}
	*ret_n = n;
	return done;
}

/* A memory object may end inside its last page: zeros follow. */
static int object_read(int fd, char *to, size_t size, off_t at)
{
	ssize_t got;

	for (; size; to += got, at += got, size -= (size_t)got) {
		got = pread(fd, to, size, at);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0) {
			memset(to, 0, size);
			return 0;
		}
		got = got < 0 ? 0 : got;
	}
	return 0;
}

/* Page by page, what is still there. */
static void remains_read(const struct memory *memory, uint64_t at, char *to,
	size_t size, size_t page)
{
	for (; size; at += page, to += page, size -= page)
		if (memory_read(memory, at, to, page, ERR_UNREAD))
			memset(to, 0, page);
}

static int range_read(const struct copy *copy, const struct pages_job *job,
	char *to, const struct iovec *from, struct err *err)
{
	const struct memory memory = {.pid = job->pid, .fd = job->source};
	uint64_t at = (uintptr_t)from->iov_base;
	int code;

	if (job->pid && !copy->running)
		return memory_read(&memory, at, to, from->iov_len, err);
	if (job->pid) {
		if (memory_read(&memory, at, to, from->iov_len, ERR_UNREAD))
			remains_read(&memory, at, to, from->iov_len,
				copy->run->page_size);
		return 0;
	}
	code = object_read(job->source, to, from->iov_len, (off_t)at);
	if (code)
		return err_code(err, code,
			"reading %zu bytes at %p of memory object %d",
			from->iov_len, from->iov_base, job->source);
	return 0;
}

/* To pin a page that is shared copy-on-write makes a copy of it (5.19), which
 * process_vm_readv does and /proc/PID/mem does not. */
static bool pins(const struct copy *copy, const struct pages_job *job)
{
	enum { FEW = 8 };

	return copy->vm_read && job->pid && job->in_common < job->size / FEW;
}

/* One system call when the kernel lets us, else range by range through
 * /proc/PID/mem, which regards no protection. */
static int piece_read(struct copy *copy, const struct pages_job *job,
	uint64_t at, char *to, size_t size, struct err *err)
{
	struct iovec iov[IOV_N], local;
	size_t n, got;
	int code;

	for (; size; to += got, at += got, size -= got) {
		got = ranges_find(job, at, size, iov, &n);
		local = (struct iovec){to, got};
		if (pins(copy, job) && process_vm_readv(job->pid, &local, 1,
					       iov, n, 0) == (ssize_t)got)
			continue;
		for (size_t i = 0, in = 0; i < n; in += iov[i++].iov_len) {
			code = range_read(copy, job, to + in, &iov[i], err);
			if (code)
				return code;
		}
	}
	return 0;
}

static int chunk_copy(struct copy *copy, struct pages_job *job, size_t chunk,
	char *room, struct digest_stream *stream, struct err *err)
{
	uint64_t at = (uint64_t)chunk * DIGEST_CHUNK;
	uint64_t end =
		at + DIGEST_CHUNK < job->size ? at + DIGEST_CHUNK : job->size;
	size_t size;
	int code;

	code = run_step(copy->run, "dump.pages", err);
	for (; !code && at < end && !atomic_load(&copy->stop); at += size) {
		size = end - at < PIECE ? (size_t)(end - at) : PIECE;
		code = piece_read(copy, job, at, room, size, err);
		if (code)
			break;
		digest_stream_add(stream, room, size);
		code = io_pwrite_all(job->fd, room, size, (off_t)at);
		if (code)
			err_code(err, code, "writing pages-%u.img",
				job->pages_id);
		progress_add(copy->progress, size);
	}
	job->digests[chunk] = digest_stream_take(stream);
	return code;
}

static struct pages_job *chunk_find(
	const struct copy *copy, size_t number, size_t *ret_chunk)
{
	size_t low = 0, high = copy->n_jobs;

	while (high - low > 1) {
		size_t mid = (low + high) / 2;

		if (copy->first_chunk[mid] <= number)
			low = mid;
		else
			high = mid;
	}
	*ret_chunk = number - copy->first_chunk[low];
	return copy->jobs[low];
}

static int chunk_run(struct copy *copy, size_t number, char *room,
	struct digest_stream *stream, struct err *err)
{
	size_t chunk;
	struct pages_job *job = chunk_find(copy, number, &chunk);

	return chunk_copy(copy, job, chunk, room, stream, err);
}

static void *worker_run(void *arg)
{
	struct copy *copy = arg;
	bool tracer = pthread_equal(pthread_self(), copy->tracer);
	struct digest_stream *stream = digest_stream_new();
	char *room = malloc(PIECE);
	struct err err = {0};
	size_t number;
	int code;

	while (room && stream && !atomic_load(&copy->stop)) {
		number = atomic_fetch_add(&copy->next, 1);
		if (number >= copy->first_chunk[copy->n_jobs])
			break;
		code = chunk_run(copy, number, room, stream, &err);
		if (code == -EIO && !tracer)
			copy_leave(copy, number);
		else if (code)
			copy_fail(copy, &err);
	}
	if (!(room && stream) && tracer)
		copy_fail_room(copy);
	free(room);
	digest_stream_free(stream);
	return NULL;
}

static void left_run(struct copy *copy)
{
	struct digest_stream *stream = digest_stream_new();
	char *room = malloc(PIECE);
	struct err err = {0};

	if (!(room && stream))
		copy_fail_room(copy);
	for (size_t i = 0; i < copy->n_left; i++)
		if (!atomic_load(&copy->stop) &&
			chunk_run(copy, copy->left[i], room, stream, &err))
			copy_fail(copy, &err);
	free(room);
	digest_stream_free(stream);
}

int pages_job_hold(struct pages_job *job, struct err *err)
{
	const char *path = job->object;
	char mem[64];

	if (job->source >= 0)
		return 0;
	if (!path) {
		snprintf(mem, sizeof(mem), "/proc/%d/mem", job->pid);
		path = mem;
	}
	job->source = open(path, O_RDONLY | O_CLOEXEC);
	if (job->source < 0)
		return err_errno(err, "opening %s", path);
	return 0;
}

static int job_open(struct dump *dump, struct pages_job *job, struct err *err)
{
	int code = image_raw_create(
		dump->images, IMAGE_PAGES, job->pages_id, &job->fd, err);

	return code ?: pages_job_hold(job, err);
}

static int job_close(
	struct dump *dump, struct pages_job *job, bool whole, struct err *err)
{
	int code = 0;

	if (whole)
		code = image_raw_close(dump->images, IMAGE_PAGES, job->pages_id,
			job->size,
			digest_join(
				job->digests, digest_chunk_count(job->size)),
			err);
	if (job->fd >= 0)
		close(job->fd);
	if (job->source >= 0)
		close(job->source);
	job->fd = job->source = -1;
	return code;
}

static size_t workers_wanted(size_t chunks)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = cpus > 0 ? (size_t)cpus : 1;

	n = n < WORKERS_MAX ? n : WORKERS_MAX;
	return n < chunks ? n : chunks;
}

/* The calling thread works, too. */
static void workers_run(struct copy *copy)
{
	size_t n = workers_wanted(copy->first_chunk[copy->n_jobs]);
	pthread_t threads[WORKERS_MAX];
	size_t started = 0;
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	while (started + 1 < n &&
		!pthread_create(&threads[started], NULL, worker_run, copy))
		started++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	worker_run(copy);
	while (started)
		pthread_join(threads[--started], NULL);
	left_run(copy);
}

static struct copy copy_make(struct run *run, const struct pages_jobs *jobs,
	struct progress *progress)
{
	return (struct copy){.run = run,
		.progress = progress,
		.tracer = pthread_self(),
		.running = jobs->running,
		.vm_read = !jobs->running && !run->opt->leave_running &&
			   !run->opt->leave_stopped};
}

static int jobs_run(struct dump *dump, const struct pages_jobs *all,
	struct pages_job **jobs, size_t n, struct progress *progress,
	struct err *err)
{
	struct copy copy = copy_make(dump->run, all, progress);
	size_t chunks = 0;
	int code = 0;

	copy.jobs = jobs;
	copy.n_jobs = n;
	copy.err = err;
	copy.first_chunk = arena_newn(dump->arena, size_t, n + 1);
	for (size_t i = 0; i < n && !code; i++) {
		copy.first_chunk[i] = chunks;
		jobs[i]->digests = arena_newn(dump->arena, uint64_t,
			digest_chunk_count(jobs[i]->size));
		chunks += digest_chunk_count(jobs[i]->size);
		code = job_open(dump, jobs[i], err);
	}
	copy.first_chunk[n] = chunks;
	copy.left = arena_newn(dump->arena, size_t, chunks + 1);
	pthread_mutex_init(&copy.lock, NULL);
	if (!code) {
		workers_run(&copy);
		code = copy.code;
	}
	pthread_mutex_destroy(&copy.lock);
	for (size_t i = 0; i < n; i++) {
		int closed = job_close(
			dump, jobs[i], !code, code ? ERR_UNREAD : err);

		code = code ?: closed;
	}
	return code;
}

/* --- to a page server ------------------------------------------------------
 */

static int run_send(struct copy *copy, struct wire *wire,
	const struct pages_job *job, const struct pages_run *run, char *room,
	struct err *err)
{
	uint64_t at = run->offset, end = at;
	size_t size;
	int code;

	code = send_run(wire, job->what, job->id, run->vaddr, run->nr_pages,
		run->flags, err);
	if (run->flags & PAGES_PRESENT)
		end += run->nr_pages * copy->run->page_size;
	for (; !code && at < end; at += size) {
		size = end - at < PIECE ? (size_t)(end - at) : PIECE;
		code = piece_read(copy, job, at, room, size, err)
			       ?: wire_put(wire, room, size, err);
		progress_add(copy->progress, size);
	}
	return code;
}

static int job_send(struct copy *copy, struct wire *wire, struct pages_job *job,
	char *room, struct err *err)
{
	bool parent;
	int code;

	code = run_step(copy->run, "dump.pages", err)
		       ?: pages_job_hold(job, err)
		       ?: send_object(wire, job->what, job->id, &parent, err);
	for (size_t i = 0; i < job->runs.n && !code; i++)
		code = run_send(copy, wire, job, &job->runs.at[i], room, err);
	fd_closep(&job->source);
	job->source = -1;
	return code;
}

/* One after the other: there is one connection. */
static int jobs_send(struct dump *dump, struct pages_jobs *jobs,
	struct progress *progress, struct err *err)
{
	struct copy copy = copy_make(dump->run, jobs, progress);
	char *room = arena_alloc(dump->arena, PIECE);
	int code = 0;

	for (struct pages_job *job = jobs->first; job && !code; job = job->next)
		code = job_send(&copy, jobs->wire, job, room, err);
	return code ?: send_end(jobs->wire, dump->run->opt->ps_fd >= 0, err);
}

/* --- into a stream ----------------------------------------------------------
 */

static int chunk_stream(struct copy *copy, struct stream *stream,
	struct pages_job *job, size_t chunk, char *room,
	struct digest_stream *digest, struct err *err)
{
	uint64_t at = (uint64_t)chunk * DIGEST_CHUNK;
	uint64_t end =
		at + DIGEST_CHUNK < job->size ? at + DIGEST_CHUNK : job->size;
	int code = run_step(copy->run, "dump.pages", err);
	size_t size;

	for (; !code && at < end; at += size) {
		size = end - at < PIECE ? (size_t)(end - at) : PIECE;
		code = piece_read(copy, job, at, room, size, err);
		if (code)
			break;
		digest_stream_add(digest, room, size);
		code = stream_put(stream, room, size, err);
		progress_add(copy->progress, size);
	}
	job->digests[chunk] = digest_stream_take(digest);
	return code;
}

static int job_stream(struct dump *dump, struct copy *copy,
	struct pages_job *job, char *room, struct digest_stream *digest,
	struct err *err)
{
	size_t chunks = digest_chunk_count(job->size);
	char name[IMAGE_NAME_MAX];
	int code;

	image_name(name, IMAGE_PAGES, job->pages_id);
	job->digests = arena_newn(dump->arena, uint64_t, chunks);
	code = pages_job_hold(job, err)
		       ?: image_raw_stream(dump->images, IMAGE_PAGES,
				  job->pages_id, job->size, err);
	for (size_t i = 0; i < chunks && !code; i++)
		code = chunk_stream(
			copy, dump->stream, job, i, room, digest, err);
	fd_closep(&job->source);
	job->source = -1;
	if (code)
		return err_wrap(err, "%s", name);
	return image_raw_close(dump->images, IMAGE_PAGES, job->pages_id,
		job->size, digest_join(job->digests, chunks), err);
}

/* One after the other: there is one stream. */
static int jobs_stream(struct dump *dump, struct pages_jobs *jobs,
	struct progress *progress, struct err *err)
{
	struct copy copy = copy_make(dump->run, jobs, progress);
	struct digest_stream *digest = digest_stream_new();
	char *room = arena_alloc(dump->arena, PIECE);
	int code = 0;

	if (!digest)
		return err_set(err, ENOMEM, "no memory to copy pages through");
	for (struct pages_job *job = jobs->first; job && !code; job = job->next)
		code = job_stream(dump, &copy, job, room, digest, err);
	digest_stream_free(digest);
	return code;
}

/* Two fds each, of those that are left when the victims' are open. */
static size_t batch_room(void)
{
	enum { SHARE = 8, LEAST = 4 };
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur / SHARE >= BATCH)
		return BATCH;
	return limit.rlim_cur / SHARE > LEAST ? limit.rlim_cur / SHARE : LEAST;
}

/* As many files at a time as fds are cheap. */
int pages_copy(struct dump *dump, struct pages_jobs *jobs, struct err *err)
{
	struct pages_job *batch[BATCH], *job = jobs->first;
	struct stats_clock clock = stats_clock_start();
	struct progress progress;
	size_t n, room = batch_room();
	int code = 0;

	progress_begin(&progress, 2, "dumping memory", jobs->size);
	if (jobs->wire || jobs->stream) {
		code = jobs->wire ? jobs_send(dump, jobs, &progress, err)
				  : jobs_stream(dump, jobs, &progress, err);
		dump->run->stats.pages_written +=
			jobs->size / dump->run->page_size;
		job = NULL;
	}
	while (job && !code) {
		for (n = 0; job && n < room; job = job->next) {
			batch[n++] = job;
			dump->run->stats.pages_written +=
				job->size / dump->run->page_size;
		}
		code = jobs_run(dump, jobs, batch, n, &progress, err);
	}
	progress_end(&progress);
	stats_clock_add(&clock, &dump->run->stats.memwrite_time);
	return code;
}

void pages_jobs_close(struct pages_jobs *jobs)
{
	for (struct pages_job *job = jobs->first; job; job = job->next) {
		fd_closep(&job->source);
		job->source = -1;
	}
}
