/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * layout: a zone that is free in every task and in the coordinator, and what
 * stands where in it.
 */
#include <errno.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "model/vma.h"
#include "plan/plan.h"

enum {
	ALIGNMENT = 64 << 10,
	CODE_ROOM = 64 << 10,
	PARK_ROOM = 1 << 20,
	STACK_LEADER = 16 << 10,
	STACK_THREAD = 4 << 10,
};
#define HUGE_PAGE (2ull << 20)
#define ZONE_FLOOR (4ull << 30)

struct span {
	uint64_t start, end;
};
struct spans {
	VEC(struct span) all;
};

static uint64_t align_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) & ~(to - 1);
}

/* --- copy-on-write ------------------------------------------------------ */

static bool may_stage(const VmaEntry *vma)
{
	return vma_has_pages(vma) && !(vma->status & VMA_VDSO) &&
	       !(vma->flags & (MAP_GROWSDOWN | MAP_HUGETLB));
}

static bool same_memory(const VmaEntry *a, const VmaEntry *b)
{
	return a->start == b->start && a->flags == b->flags &&
	       a->shmid == b->shmid && a->pgoff == b->pgoff &&
	       (a->status & ~VMA_HEAP) == (b->status & ~VMA_HEAP);
}

/* Its index, or n_vmas. */
static size_t vma_at(const struct task *task, uint64_t start)
{
	size_t low = 0, high = task->mm->n_vmas, mid;

	/* Guard entries stand behind the sorted ones. */
	while (high && task->mm->vmas[high - 1]->status & VMA_GUARD)
		high--;
	while (low < high) {
		mid = (low + high) / 2;
		if (task->mm->vmas[mid]->start == start)
			return mid;
		if (task->mm->vmas[mid]->start < start)
			low = mid + 1;
		else
			high = mid;
	}
	return task->mm->n_vmas;
}

bool plan_has_pages(const struct task *task, uint64_t start, uint64_t end)
{
	const struct source *pages = &task->pages;
	size_t i = source_behind(pages, start);

	return i < pages->n && pages->pieces[i].vaddr < end;
}

bool plan_has_all_pages(const struct task *task, uint64_t start, uint64_t end)
{
	const struct source *pages = &task->pages;

	for (size_t i = source_behind(pages, start); i < pages->n; i++) {
		if (pages->pieces[i].vaddr > start)
			return false;
		start = source_piece_end(pages, &pages->pieces[i]);
		if (start >= end)
			return true;
	}
	return false;
}

static bool vma_stored(const struct task *task, const VmaEntry *vma)
{
	return plan_has_pages(task, vma->start, vma->end);
}

static uint64_t vma_size(const VmaEntry *vma)
{
	return vma->end - vma->start;
}

static struct staging *staging_set(
	struct plan *plan, struct plan_task *pt, size_t i)
{
	struct staging *staging = arena_new1(plan->arena, struct staging);

	staging->size = staging->room = vma_size(pt->task->mm->vmas[i]);
	return pt->staging[i] = staging;
}

/* A child that this task forks and that had inherited the area from it. */
static void inherit_try(struct plan *plan, struct plan_task *parent, size_t i,
	struct plan_task *child)
{
	const VmaEntry *vma = parent->task->mm->vmas[i];
	size_t k = vma_at(child->task, vma->start);
	struct staging *staging;

	if (k == child->task->mm->n_vmas || plan_area_is_lazy(child, k) ||
		!same_memory(vma, child->task->mm->vmas[k]) ||
		!vma_stored(child->task, child->task->mm->vmas[k]))
		return;
	staging = staging_set(plan, child, k);
	staging->from = parent->staging[i] ?: staging_set(plan, parent, i);
	staging->from_vma = vma;
}

/* Parents stand before children in the tree: chains come out whole. */
static void children_inherit(struct plan *plan, struct plan_task *parent)
{
	const struct task *task = parent->task;
	struct plan_task *child;

	for (size_t c = 0; c < task->children.n; c++) {
		child = &plan->tasks[task->children.at[c]->index];
		if (child->task->state == TASK_DEAD ||
			child->birth->maker != parent->birth)
			continue;
		for (size_t i = 0; i < task->mm->n_vmas; i++)
			if (may_stage(task->mm->vmas[i]) &&
				!plan_area_is_lazy(parent, i) &&
				vma_stored(task, task->mm->vmas[i]))
				inherit_try(plan, parent, i, child);
	}
}

/* Room is what the largest inheritor wants: told upwards, children first. */
static void rooms_grow(struct plan *plan)
{
	struct plan_task *pt;
	struct staging *staging;

	for (size_t t = plan->tree->tasks.n; t-- > 0;) {
		pt = &plan->tasks[t];
		for (size_t i = 0; pt->staging && i < pt->task->mm->n_vmas;
			i++) {
			staging = pt->staging[i];
			if (staging && staging->from &&
				staging->from->room < staging->room)
				staging->from->room = staging->room;
		}
	}
}

/* The next free place behind `free` for an area, aligned as at home, so that
 * huge pages stay huge when they move. Neighbours at home stay neighbours where
 * there is room: each fork copies their page tables. */
static uint64_t staging_spot(const struct plan *plan, uint64_t free,
	const VmaEntry *vma, const VmaEntry *last, uint64_t last_at)
{
	uint64_t beside = last ? last_at + (vma->start - last->start) : 0;

	if (last && beside >= free && beside - free < HUGE_PAGE)
		return beside;
	return align_up(free + plan->host->page_size, HUGE_PAGE) +
	       vma->start % HUGE_PAGE;
}

static uint64_t stagings_place(struct plan *plan, uint64_t base)
{
	const VmaEntry *vma, *last;
	struct staging *staging;
	struct plan_task *pt;
	uint64_t at = base, last_at = 0;

	for (size_t t = 0; t < plan->tree->tasks.n; t++) {
		pt = &plan->tasks[t];
		last = NULL;
		for (size_t i = 0; pt->staging && i < pt->task->mm->n_vmas;
			i++) {
			staging = pt->staging[i];
			if (!staging)
				continue;
			if (staging->from) {
				staging->at = staging->from->at;
				continue;
			}
			vma = pt->task->mm->vmas[i];
			at = staging_spot(plan, at, vma, last, last_at);
			staging->at = last_at = at;
			at += staging->room;
			last = vma;
		}
	}
	return align_up(at, HUGE_PAGE);
}

/* --- the reel ----------------------------------------------------------- */

static void reel_layout(struct plan *plan, struct plan_task *pt)
{
	const struct task *task = pt->task;
	uint64_t at = sizeof(struct reel_words);

	pt->tids_at = at;
	at = align_up(at + task->n_threads * sizeof(uint32_t), 16);
	pt->auxv_at = at;
	at += task->mm->n_mm_saved_auxv * sizeof(uint64_t);
	pt->stacks_at = align_up(at, plan->host->page_size);
	pt->tapes_at = pt->stacks_at + STACK_LEADER +
		       (task->n_threads - 1) * STACK_THREAD;
}

uint64_t plan_stack(const struct plan_task *pt, size_t thread)
{
	return thread ? pt->stacks_at + STACK_LEADER +
				(thread - 1) * STACK_THREAD
		      : pt->stacks_at;
}

uint64_t plan_stack_size(size_t thread)
{
	return thread ? STACK_THREAD : STACK_LEADER;
}

/* An upper bound of what tapes take; they are not recorded yet. */
static uint64_t reel_guess(const struct plan_task *pt)
{
	const struct task *task = pt->task;

	return pt->tapes_at + (4 << 20) + task->mm->n_vmas * 1024 +
	       task->pages.n * 64 + task->n_threads * (64ull << 10) +
	       task->locks.n * 256;
}

/* --- the zone ----------------------------------------------------------- */

static int span_compare(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void spans_collect(struct plan *plan, struct spans *spans)
{
	const struct task *task;
	const VmaEntry *vma;

	for (size_t i = 0; i < plan->host->maps.n; i++)
		*vec_push(plan->arena, &spans->all) =
			(struct span){plan->host->maps.at[i].start,
				plan->host->maps.at[i].end};
	for (size_t t = 0; t < plan->tree->tasks.n; t++) {
		task = plan->tree->tasks.at[t];
		for (size_t i = 0; task->mm && i < task->mm->n_vmas; i++) {
			vma = task->mm->vmas[i];
			*vec_push(plan->arena, &spans->all) =
				(struct span){vma->start, vma->end};
		}
	}
	if (spans->all.n)
		qsort(spans->all.at, spans->all.n, sizeof(struct span),
			span_compare);
}

/* The first hole of that size; keeps its distance from growing stacks. */
static int hole_find(const struct plan *plan, const struct spans *spans,
	uint64_t size, uint64_t *ret_at, struct err *err)
{
	uint64_t at = ZONE_FLOOR;

	size += 2 * HUGE_PAGE;
	for (size_t i = 0; i < spans->all.n; i++) {
		if (spans->all.at[i].start >= at + size)
			break;
		if (spans->all.at[i].end > at)
			at = spans->all.at[i].end;
	}
	if (at + size > (plan->host->task_size ?: plan->host->be->task_size))
		return err_set(err, ENOMEM,
			"no hole of %llu bytes that is free in every task",
			(unsigned long long)size);
	*ret_at = align_up(at + 1, HUGE_PAGE);
	return 0;
}

static int zone_place(struct plan *plan, uint64_t reel_room, struct err *err)
{
	struct spans spans = {0};
	struct zone *zone = &plan->zone;
	uint64_t size, at = 0;
	int code;

	size = CODE_ROOM + 2 * PARK_ROOM + reel_room + stagings_place(plan, 0) +
	       2 * HUGE_PAGE;
	spans_collect(plan, &spans);
	code = hole_find(plan, &spans, size, &at, err);
	if (code)
		return code;
	/* The bridge's home stays: it stands before the zone proper. */
	zone->vdso_home = at;
	zone->start = zone->code = at + PARK_ROOM;
	zone->park = zone->code + CODE_ROOM;
	zone->reel = zone->park + PARK_ROOM;
	zone->reel_room = reel_room;
	zone->stage = align_up(zone->reel + reel_room, HUGE_PAGE);
	zone->stage_end = stagings_place(plan, zone->stage);
	zone->end = zone->stage_end;
	return 0;
}

int plan_layout(struct plan *plan, struct err *err)
{
	uint64_t room = 0, guess;
	struct plan_task *pt;

	for (size_t t = 0; t < plan->tree->tasks.n; t++) {
		pt = &plan->tasks[t];
		if (pt->task->state == TASK_DEAD)
			continue;
		pt->staging = arena_newn(plan->arena, struct staging *,
			pt->task->mm->n_vmas + 1);
		reel_layout(plan, pt);
		guess = reel_guess(pt);
		room = guess > room ? guess : room;
	}
	for (size_t t = 0; t < plan->tree->tasks.n; t++)
		if (plan->tasks[t].staging)
			children_inherit(plan, &plan->tasks[t]);
	rooms_grow(plan);
	return zone_place(plan, align_up(room, ALIGNMENT), err);
}
