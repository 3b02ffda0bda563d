/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/reels.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct reel_words *reels_words(
	const struct reels *reels, const struct plan_task *pt)
{
	return (struct reel_words *)(reels->bytes + pt->reel_file_at);
}

static char *tape_block(
	const struct reels *reels, const struct plan_task *pt, size_t thread)
{
	return reels->bytes + pt->reel_file_at + pt->tape_at[thread];
}

const void *reels_tape(
	const struct reels *reels, const struct plan_task *pt, size_t thread)
{
	return tape_block(reels, pt, thread);
}

static int reel_press(const struct plan *plan, const struct plan_task *pt,
	struct reels *reels, struct err *err)
{
	char *reel = reels->bytes + pt->reel_file_at;
	const MmEntry *mm = pt->task->mm;
	uint32_t *tids = (uint32_t *)(reel + pt->tids_at);
	int code = 0;

	if (mm->n_mm_saved_auxv)
		memcpy(reel + pt->auxv_at, mm->mm_saved_auxv,
			mm->n_mm_saved_auxv * sizeof(uint64_t));
	for (size_t i = 0; i < pt->task->n_threads && !code; i++) {
		tids[i] = (uint32_t)pt->task->threads[i].tid;
		code = tape_press(pt->tapes[i], plan->host->be,
			-(int64_t)pt->tape_at[i], tape_block(reels, pt, i),
			err);
	}
	return code;
}

int reels_press(const struct plan *plan, struct reels *ret, struct err *err)
{
	struct reels reels = {.size = plan->reels_size};
	int code = 0;

	reels.fd = memfd_create("stasis-reels", MFD_CLOEXEC);
	if (reels.fd < 0 || ftruncate(reels.fd, (off_t)reels.size))
		return err_errno(err, "making a file for the tapes");
	reels.bytes = mmap(NULL, reels.size, PROT_READ | PROT_WRITE, MAP_SHARED,
		reels.fd, 0);
	if (reels.bytes == MAP_FAILED) {
		close(reels.fd);
		return err_errno(err, "mapping the tapes");
	}
	for (size_t i = 0; i < plan->tree->tasks.n && !code; i++)
		if (plan->tasks[i].tapes)
			code = reel_press(plan, &plan->tasks[i], &reels, err);
	if (code)
		reels_close(&reels);
	else
		*ret = reels;
	return code;
}

void reels_close(struct reels *reels)
{
	if (reels->fd < 0)
		return;
	munmap(reels->bytes, reels->size);
	close(reels->fd);
	reels->fd = -1;
}
