/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lazy: pages that a daemon brings when they are touched.
 *
 * They are taken out of what the rest of the plan knows of a task's pages, so
 * that it is planned as if they were not stored; their areas are registered
 * with the task's userfaultfd when all else is done to them. Nothing may have
 * become zeros there before: as long as areas are filled, no huge page may
 * come where a small one was read.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "kernel/uffd.h"
#include "model/vma.h"
#include "plan/plan.h"

static int stray(const struct task *task, uint64_t vaddr, struct err *err)
{
	return err_set(err, EBADMSG,
		"task %d: the pages at %#llx belong to no area of its memory",
		task->pid, (unsigned long long)vaddr);
}

struct deferral {
	struct plan *plan;
	struct plan_task *pt;
	VEC(struct source_piece) now; /* to be read */
	uint64_t stored;
	size_t area; /* the first that ends behind what was looked at */
};

/* The part of a piece that lies in one area. */
static int part_defer(struct deferral *deferral, struct source_piece part)
{
	struct plan_task *pt = deferral->pt;

	if (part.flags & PAGES_LAZY &&
		vma_may_be_lazy(pt->task->mm->vmas[deferral->area])) {
		pt->lazy[deferral->area] = true;
		pt->defers = true;
		return 0;
	}
	if (part.file != SOURCE_ELSEWHERE)
		deferral->stored += part.nr_pages;
	*vec_push(deferral->plan->arena, &deferral->now) = part;
	return 0;
}

static int piece_defer(struct deferral *deferral,
	const struct source_piece *piece, struct err *err)
{
	const struct task *task = deferral->pt->task;
	const MmEntry *mm = task->mm;
	uint64_t at = piece->vaddr, end, stop;
	struct source_piece part = *piece;

	end = source_piece_end(&task->pages, piece);
	while (at < end) {
		while (deferral->area < mm->n_vmas &&
			mm->vmas[deferral->area]->end <= at)
			deferral->area++;
		if (deferral->area == mm->n_vmas ||
			mm->vmas[deferral->area]->start > at ||
			mm->vmas[deferral->area]->status & VMA_GUARD)
			return stray(task, at, err);
		stop = mm->vmas[deferral->area]->end;
		stop = stop < end ? stop : end;
		part.vaddr = at;
		part.nr_pages = (stop - at) / task->pages.page_size;
		part.offset = piece->offset + (at - piece->vaddr);
		part_defer(deferral, part);
		at = stop;
	}
	return 0;
}

static int task_defer(struct plan *plan, struct plan_task *pt, struct err *err)
{
	struct deferral deferral = {.plan = plan, .pt = pt};
	struct source *pages = &pt->task->pages;
	int code = 0;

	pt->lazy = arena_newn(plan->arena, bool, pt->task->mm->n_vmas + 1);
	for (size_t i = 0; i < pages->n && !code; i++)
		code = piece_defer(&deferral, &pages->pieces[i], err);
	if (code)
		return code;
	pages->pieces = deferral.now.at;
	pages->n = deferral.now.n;
	pages->stored = deferral.stored;
	return 0;
}

int plan_lazy(struct plan *plan, struct err *err)
{
	int code = 0;

	for (size_t i = 0; i < plan->tree->tasks.n && !code && plan->lazy; i++)
		if (plan->tree->tasks.at[i]->state != TASK_DEAD)
			code = task_defer(plan, &plan->tasks[i], err);
	return code;
}

bool plan_area_is_lazy(const struct plan_task *pt, size_t i)
{
	return pt->lazy && pt->lazy[i];
}

static void huge_pages(struct tape *tape, bool disable)
{
	tape_about(tape, "huge pages while lazy areas are made");
	tape_call(tape, CALL_prctl, A(PR_SET_THP_DISABLE), A(disable), A(0),
		A(0), A(0));
}

void plan_lazy_begin(const struct plan_task *pt, struct tape *tape)
{
	if (pt->defers)
		huge_pages(tape, true);
}

/* Neighbours at once. */
void plan_lazy_register(const struct plan_task *pt, struct tape *tape)
{
	const MmEntry *mm = pt->task->mm;
	struct uffdio_register missing;
	uint64_t data;
	size_t last;

	for (size_t i = 0; i < mm->n_vmas && pt->defers; i = last + 1) {
		last = i;
		if (!pt->lazy[i])
			continue;
		while (last + 1 < mm->n_vmas && pt->lazy[last + 1] &&
			mm->vmas[last + 1]->start == mm->vmas[last]->end)
			last++;
		missing = uffd_missing(mm->vmas[i]->start, mm->vmas[last]->end);
		data = tape_data(tape, &missing, sizeof(missing));
		tape_about_range(tape, "lazy pages", mm->vmas[i]->start,
			mm->vmas[last]->end);
		tape_call(tape, CALL_ioctl, A(pt->uffd_slot),
			A(UFFDIO_REGISTER), A_DATA(data));
	}
	if (pt->defers)
		huge_pages(tape, false);
}
