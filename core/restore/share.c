/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/share.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "base/fd.h"

enum { PIECE = 1 << 20, WORKERS_MAX = 4 };

struct filling {
	const struct plan_task *pt;
	struct progress *progress;
	const char **pages; /* its files, mapped where there is a share */
	atomic_size_t next; /* piece, counted over all shares */
	atomic_int code;    /* the first -errno */
};

/* Piece number n, or false behind the last one. */
static bool piece_find(
	const struct plan_task *pt, size_t n, struct plan_share *ret)
{
	const struct plan_share *share;
	size_t pieces;

	for (size_t i = 0; i < pt->shares.n; i++) {
		share = &pt->shares.at[i];
		pieces = (share->size + PIECE - 1) / PIECE;
		if (n >= pieces) {
			n -= pieces;
			continue;
		}
		*ret = *share;
		ret->vaddr += n * PIECE;
		ret->offset += n * PIECE;
		ret->size -= n * PIECE;
		if (ret->size > PIECE)
			ret->size = PIECE;
		return true;
	}
	return false;
}

static int piece_write(const struct filling *filling, struct plan_share piece)
{
	struct iovec from, to;
	ssize_t done;

	while (piece.size) {
		from.iov_base = (void *)(uintptr_t)(filling->pages[piece.file] +
						    piece.offset);
		to.iov_base = (void *)(uintptr_t)piece.vaddr;
		from.iov_len = to.iov_len = piece.size;
		done = process_vm_writev(
			filling->pt->task->host, &from, 1, &to, 1, 0);
		if (done <= 0)
			return done ? -errno : -EFAULT;
		piece.vaddr += (uint64_t)done;
		piece.offset += (uint64_t)done;
		piece.size -= (uint64_t)done;
		/* The task reads its half at about the same speed. */
		progress_add(filling->progress, 2 * (uint64_t)done);
	}
	return 0;
}

static void *worker_run(void *arg)
{
	struct filling *filling = arg;
	struct plan_share piece;
	int code = 0, none = 0;

	while (!code && !atomic_load(&filling->code) &&
		piece_find(filling->pt, atomic_fetch_add(&filling->next, 1),
			&piece))
		code = piece_write(filling, piece);
	if (code)
		atomic_compare_exchange_strong(&filling->code, &none, code);
	return NULL;
}

/* One processor is the task's; the calling thread works, too. */
static void workers_run(struct filling *filling, unsigned cpus)
{
	unsigned n = cpus > WORKERS_MAX ? WORKERS_MAX : cpus - 1, started = 0;
	pthread_t threads[WORKERS_MAX];
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	while (started + 1 < n &&
		!pthread_create(&threads[started], NULL, worker_run, filling))
		started++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	worker_run(filling);
	while (started)
		pthread_join(threads[--started], NULL);
}

static int file_map(struct filling *filling, uint32_t file, uint64_t *ret_size,
	struct err *err)
{
	const struct source *pages = &filling->pt->task->pages;
	_cleanup_fd_ int fd = -1;
	struct stat st;
	void *at;
	int code = source_file_open(pages, file, &fd, err);

	if (code)
		return code;
	at = fstat(fd, &st) ? MAP_FAILED
			    : mmap(NULL, (size_t)st.st_size, PROT_READ,
				      MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return err_errno(err, "mapping pages-%u.img",
			pages->files[file].pages_id);
	filling->pages[file] = at;
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

int share_fill(struct birth_ward *ward, const struct plan_task *pt,
	struct progress *progress, struct err *err)
{
	struct filling filling = {.pt = pt, .progress = progress};
	struct arena *arena = ward->restore->arena;
	size_t n = pt->task->pages.n_files;
	uint64_t *sizes = arena_newn(arena, uint64_t, n + 1);
	int code = 0;

	filling.pages = arena_newn(arena, const char *, n + 1);
	for (size_t i = 0; i < pt->shares.n && !code; i++)
		if (!filling.pages[pt->shares.at[i].file])
			code = file_map(&filling, pt->shares.at[i].file,
				&sizes[pt->shares.at[i].file], err);
	if (!code) {
		workers_run(&filling, ward->plan->host->cpus);
		code = atomic_load(&filling.code);
		if (code)
			err_code(err, code, "filling the memory of task %d",
				pt->task->pid);
	}
	for (size_t i = 0; i < n; i++)
		if (filling.pages[i])
			munmap((void *)(uintptr_t)filling.pages[i], sizes[i]);
	return code;
}
