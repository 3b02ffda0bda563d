/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/memory.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/fd.h"
#include "dump/kept.h"
#include "dump/registry.h"
#include "dump/tags.h"
#include "dump/track.h"
#include "dump/vmas.h"
#include "kernel/memory.h"
#include "kernel/numa_maps.h"
#include "kernel/pagemap.h"
#include "model/kind.h"

/* The kernel names as a task's program only what could be executed
 * (prctl_set_mm_exe_file). */
static int program_check(const struct victim *victim, struct err *err)
{
	enum { ANY_X = 0111 };
	_cleanup_fd_ int fd =
		openat(victim->proc.dir, "exe", O_PATH | O_CLOEXEC);
	struct statvfs fs;
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat) || fstatvfs(fd, &fs))
		return err_errno(
			err, "process %d: looking at its program", victim->pid);
	if (stat.st_mode & ANY_X && !(fs.f_flag & ST_NOEXEC))
		return 0;
	err_set(err, EOPNOTSUPP,
		"process %d: its program may not be executed any more (%s), "
		"and could not become its program again",
		victim->pid,
		stat.st_mode & ANY_X ? "it lies below a mount with noexec"
				     : "nobody has the permission");
	return err_hint(err,
		"undo that before the checkpoint; /proc/%d/exe "
		"leads to the file",
		victim->pid);
}

/* So would it have to be mapped, wherever it was mapped in fact. */
static const struct map program_map = {.prot = PROT_READ | PROT_EXEC};

static int mm_fill(
	struct dump *dump, struct victim *victim, MmEntry *mm, struct err *err)
{
	const struct proc_stat *stat = &victim->threads.at[0]->stat;
	struct registry_file exe = {0};
	int code;

	mm->mm_start_code = stat->start_code;
	mm->mm_end_code = stat->end_code;
	mm->mm_start_data = stat->start_data;
	mm->mm_end_data = stat->end_data;
	mm->mm_start_stack = stat->start_stack;
	mm->mm_start_brk = stat->start_brk;
	mm->mm_arg_start = stat->arg_start;
	mm->mm_arg_end = stat->arg_end;
	mm->mm_env_start = stat->env_start;
	mm->mm_env_end = stat->env_end;
	mm->mm_saved_auxv = victim->auxv;
	/* Up to the end mark, which the kernel adds by itself: on x86_64
	 * readers of this format have room for 44 words and 6.18 shows 46. */
	while (mm->n_mm_saved_auxv + 1 < victim->n_auxv &&
		victim->auxv[mm->n_mm_saved_auxv] != AT_NULL)
		mm->n_mm_saved_auxv += 2;
	code = program_check(victim, err);
	if (!code)
		code = registry_path(dump, victim, "exe", "the executable",
			&program_map, &exe, err);
	mm->exe_file_id = exe.id;
	return code;
}

static bool vma_wants(const VmaEntry *vma, uint32_t flags)
{
	if (vma->status & VMA_VDSO)
		return true;
	if (flags & (PAGEMAP_PFNZERO | PAGEMAP_GUARD))
		return false;
	/* A private page that is still the file's own carries FILE. */
	return !(flags & PAGEMAP_FILE);
}

static uint32_t run_flags(const VmaEntry *vma)
{
	return PAGES_PRESENT | (vma_may_be_lazy(vma) ? PAGES_LAZY : 0);
}

struct scan {
	struct dump *dump;
	struct victim *victim;
	MmEntry *mm;
	struct pages_jobs *jobs;
	struct pages_job *job;
	VEC(VmaEntry *) guards;
	struct tags_spans tags;
	struct kept_stacks stacks;
	size_t stack; /* the first that is not behind what was seen */
	struct track_victim *track;
	bool round; /* the victims go on */
};

static void guard_add(struct scan *scan, uint64_t start, uint64_t end)
{
	VmaEntry *guard = arena_new1(scan->dump->arena, VmaEntry);

	vma_entry__init(guard);
	guard->start = start;
	guard->end = end;
	guard->status = VMA_GUARD;
	guard->fd = -1;
	*vec_push(scan->dump->arena, &scan->guards) = guard;
}

static int span_add(struct scan *scan, uint64_t start, uint64_t end,
	uint32_t flags, struct err *err)
{
	if (start >= end)
		return 0;
	if (!(flags & PAGES_LAZY) || !scan->dump->shop)
		return pages_job_add(scan->dump, scan->jobs, scan->job, start,
			end - start, flags, err);
	kept_add(scan->dump, scan->victim, start, end);
	return pages_job_keep(scan->dump, scan->job, start, end - start, err);
}

/* Pages on which somebody stands are there at once. */
static int lazy_add(
	struct scan *scan, const struct pagemap_region *region, struct err *err)
{
	const struct kept_stacks *stacks = &scan->stacks;
	uint64_t page = scan->dump->run->page_size, at = region->start, stack;
	const uint32_t lazy = PAGES_PRESENT | PAGES_LAZY;
	int code = 0;

	for (; scan->stack < stacks->n && !code; scan->stack++) {
		stack = stacks->pages[scan->stack];
		if (stack >= region->end)
			break;
		if (stack < at)
			continue;
		code = span_add(scan, at, stack, lazy, err);
		if (!code)
			code = span_add(
				scan, stack, stack + page, PAGES_PRESENT, err);
		at = stack + page;
	}
	return code ?: span_add(scan, at, region->end, lazy, err);
}

static int stored_add(struct scan *scan, const VmaEntry *vma, uint64_t start,
	uint64_t end, struct err *err)
{
	const struct pagemap_region region = {.start = start, .end = end};

	return run_flags(vma) & PAGES_LAZY
		       ? lazy_add(scan, &region, err)
		       : span_add(scan, start, end, PAGES_PRESENT, err);
}

static int written_add(struct scan *scan, const VmaEntry *vma, uint64_t start,
	uint64_t end, struct err *err)
{
	*vec_push(scan->dump->arena, &scan->track->written) =
		(struct track_span){start, end};
	return stored_add(scan, vma, start, end, err);
}

/* What the parent lacks is stored here, clean as it may be. */
static int clean_add(struct scan *scan, const VmaEntry *vma, uint64_t start,
	uint64_t end, struct err *err)
{
	struct stats *stats = &scan->dump->run->stats;
	bool there = true;
	uint64_t stop;
	int code = 0;

	for (; start < end && !code; start = stop) {
		stop = end;
		if (!scan->track->remote)
			stop = track_there(
				scan->track->parent, start, end, &there);
		if (there)
			stats->pages_skipped_parent +=
				(stop - start) / scan->dump->run->page_size;
		code = there ? pages_job_add(scan->dump, scan->jobs, scan->job,
				       start, stop - start, PAGES_PARENT, err)
			     : stored_add(scan, vma, start, stop, err);
	}
	return code;
}

static int region_add(struct scan *scan, const VmaEntry *vma,
	const struct map *map, const struct pagemap_region *region,
	struct err *err)
{
	uint64_t n = (region->end - region->start) / scan->dump->run->page_size;

	if (!(region->flags & PAGEMAP_GUARD) && !vma_has_pages(vma))
		return 0;
	scan->dump->run->stats.pages_scanned += n;
	if (region->flags & PAGEMAP_GUARD) {
		guard_add(scan, region->start, region->end);
		return 0;
	}
	if (!vma_wants(vma, region->flags))
		return 0;
	if (vma->prot & VMA_PROT_TAGS)
		tags_add(scan->dump->arena, &scan->tags, region->start,
			region->end);
	if (!(vma->status & VMA_VDSO) &&
		track_is_clean(
			scan->dump->track, scan->victim, map, region->flags))
		return clean_add(scan, vma, region->start, region->end, err);
	return written_add(scan, vma, region->start, region->end, err);
}

/* The image holds the vdso as a whole, but where pages are small (ppc64le,
 * 4 KiB) those that the process never ran are not there yet: a look at them
 * brings them in. */
static int vdso_touch(
	struct scan *scan, const struct map *vdso, struct err *err)
{
	struct memory memory = MEMORY_CLOSED;
	char byte;
	int code;

	code = memory_open(&scan->victim->proc, &memory, err);
	for (uint64_t at = vdso->start; at < vdso->end && !code;
		at += scan->dump->run->page_size)
		code = memory_read(&memory, at, &byte, 1, err);
	memory_close(&memory);
	return code;
}

/* What is shared is not stored with the process, but its guards are. */
static bool vma_is_scanned(const struct scan *scan,
	const struct pagemap *pagemap, const VmaEntry *vma)
{
	if (scan->round)
		return vma_has_pages(vma) && !(vma->status & VMA_VDSO) &&
		       !(vma->flags & MAP_HUGETLB);
	return vma_has_pages(vma) || (pagemap->guard && vma_takes_guards(vma));
}

/* Without the kernel's own scan all words of an area are read, but smaps and
 * numa_maps tell how many of its pages there are: asked again, since the
 * interview may have made one more. */
static int own_count(struct scan *scan, const struct pagemap *pagemap,
	const struct map *wanted, size_t n, const uint64_t **ret,
	struct err *err)
{
	struct arena *arena = scan->dump->arena;
	uint64_t *own = arena_newn(arena, uint64_t, n);
	struct maps now = {0};
	int code;
	size_t k = 0;

	code = maps_read(arena, &scan->victim->proc, &now, err);
	if (!code)
		code = numa_maps_add(&scan->victim->proc, &now, err);
	for (size_t i = 0; i < n; i++) {
		while (k < now.n && now.at[k].end <= wanted[i].start)
			k++;
		own[i] = k < now.n && now.at[k].start == wanted[i].start &&
					 now.at[k].end == wanted[i].end
				 ? pagemap_own(pagemap, &now.at[k])
				 : UINT64_MAX;
	}
	*ret = own;
	return code;
}

static uint64_t in_common(const struct map *maps, size_t n)
{
	uint64_t kb = 0;

	for (size_t i = 0; i < n; i++)
		kb += maps[i].shared ? 0 : maps[i].shared_dirty_kb;
	return kb << 10;
}

/* All areas in one go; regions never cross the border of an area. */
static int pages_find_all(struct scan *scan, const struct map **maps,
	struct pagemap *pagemap, struct err *err)
{
	struct pagemap_regions regions = {0};
	struct arena *arena = scan->dump->arena;
	struct map *wanted = arena_newn(arena, struct map, scan->mm->n_vmas);
	const uint64_t *own = NULL;
	size_t n = 0, v = 0;
	const VmaEntry *vma;
	int code = 0;

	for (size_t i = 0; i < scan->mm->n_vmas && !code; i++) {
		vma = scan->mm->vmas[i];
		if (vma->status & VMA_VDSO && !scan->round)
			code = vdso_touch(scan, maps[i], err);
		if (vma_is_scanned(scan, pagemap, vma))
			wanted[n++] = *maps[i];
	}
	scan->job->in_common = in_common(wanted, n);
	if (!code && !pagemap->scan)
		code = own_count(scan, pagemap, wanted, n, &own, err);
	if (!code)
		code = pagemap_scan_maps(
			arena, pagemap, wanted, n, own, &regions, err);
	for (size_t i = 0; i < regions.n && !code; i++) {
		while (scan->mm->vmas[v]->end <= regions.at[i].start)
			v++;
		code = region_add(
			scan, scan->mm->vmas[v], maps[v], &regions.at[i], err);
	}
	return code;
}

static void guards_append(struct scan *scan)
{
	MmEntry *mm = scan->mm;
	VmaEntry **all;

	if (!scan->guards.n)
		return;
	all = arena_grow(scan->dump->arena, mm->vmas, mm->n_vmas * sizeof(*all),
		(mm->n_vmas + scan->guards.n) * sizeof(*all));
	for (size_t i = 0; i < scan->guards.n; i++)
		all[mm->n_vmas++] = scan->guards.at[i];
	mm->vmas = all;
}

static int pages_scan(
	struct scan *scan, const struct map **maps, struct err *err)
{
	_cleanup_pagemap_ struct pagemap pagemap = PAGEMAP_CLOSED;
	int code;

	code = pages_job_new(
		scan->dump, scan->jobs, scan->victim, &scan->job, err);
	if (!code)
		code = pagemap_open(&scan->victim->proc, &pagemap, err);
	if (!code)
		code = pages_find_all(scan, maps, &pagemap, err);
	if (!code)
		code = pages_job_end(scan->jobs, scan->job, err);
	if (!code)
		guards_append(scan);
	return code;
}

static int victim_capture(struct dump *dump, struct victim *victim,
	struct pages_jobs *jobs, struct err *err)
{
	MmEntry *mm = victim->task->mm;
	struct scan scan = {.dump = dump,
		.victim = victim,
		.mm = mm,
		.jobs = jobs,
		.stacks = kept_stacks_find(dump, victim),
		.track = track_of(dump->track, victim)};
	const struct map **maps;
	int code;

	code = mm_fill(dump, victim, mm, err);
	if (!code)
		code = vmas_capture(dump, victim, mm, &maps, err);
	if (!code)
		code = pages_scan(&scan, maps, err);
	if (!code)
		code = tags_capture(dump, victim, &scan.tags, err);
	if (!code)
		code = image_append(dump->images, IMAGE_MM,
			(uint64_t)victim->task->pid, &mm->base, NULL, 0, err);
	if (code)
		return err_wrap(err, "process %d", victim->pid);
	return 0;
}

int memory_capture(struct dump *dump, struct pages_jobs *jobs, struct err *err)
{
	struct victim *victim;
	int code;

	for (size_t i = 0; i < dump->victims.n; i++) {
		victim = dump->victims.at[i];
		if (victim->state == TASK_DEAD)
			continue;
		code = victim_capture(dump, victim, jobs, err);
		if (code)
			return code;
	}
	return 0;
}

static int round_capture(struct dump *dump, struct victim *victim,
	struct pages_jobs *jobs, struct err *err)
{
	struct scan scan = {.dump = dump,
		.victim = victim,
		.mm = victim->task->mm,
		.jobs = jobs,
		.track = track_of(dump->track, victim),
		.round = true};
	const struct map **maps;
	int code;

	vmas_sketch(dump, victim, scan.mm, &maps);
	code = pages_scan(&scan, maps, err);
	return code ? err_wrap(err, "memory of process %d", victim->pid) : 0;
}

int memory_capture_round(
	struct dump *dump, struct pages_jobs *jobs, struct err *err)
{
	struct victim *victim;
	int code = 0;

	for (size_t i = 0; i < dump->victims.n && !code; i++) {
		victim = dump->victims.at[i];
		if (victim->state != TASK_DEAD)
			code = round_capture(dump, victim, jobs, err);
	}
	return code;
}
