/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory: one task's address space as steps on its tape.
 *
 * The order: the vdso is parked and everything outside the zone goes; areas
 * come, staged ones by mremap, others by mmap, neighbours that differ in
 * protection alone by one mmap; pages are read into those; then guards,
 * protection, locks, advice and names, which would be in the way before.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "model/vma.h"
#include "plan/plan.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* 5.14 */
#endif

enum { MOVE_PAGES = 2 }; /* MPOL_MF_MOVE of mbind(2) */

/* From here on two read faster than one. */
enum { SHARE_MIN = 32 << 20, SHARE_ALIGN = 2 << 20 };

enum {
	FLAGS_OF_MMAP = MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS |
			MAP_GROWSDOWN | MAP_NORESERVE | MAP_HUGETLB |
			(MAP_HUGE_MASK << MAP_HUGE_SHIFT) | VMA_MAP_DROPPABLE,
};

static uint64_t vma_size(const VmaEntry *vma)
{
	return vma->end - vma->start;
}

static int tags_lack(
	const struct task *task, const VmaEntry *vma, struct err *err)
{
	err_set(err, ENOTSUP,
		"task %d: the mapping %llx-%llx is tagged memory (mte), which "
		"this host lacks",
		task->pid, (unsigned long long)vma->start,
		(unsigned long long)vma->end);
	return err_hint(err, "pointers to it would not work here");
}

static int vma_check(const struct plan *plan, const struct task *task,
	const VmaEntry *vma, struct err *err)
{
	const char *what = NULL;

	if (vma->prot & VMA_PROT_TAGS && plan->host->tags_lack)
		return tags_lack(task, vma, err);
	if (vma->status & VMA_SYSVIPC)
		what = "System V shared memory";
	else if (vma->status & VMA_AIORING)
		what = "a ring of asynchronous I/O";
	else if (vma->status & VMA_SHSTK)
		what = "a shadow stack";
	else if (vma->status & VMA_SOCKET)
		what = "a ring of a socket";
	else if (vma->status & VMA_UPROBES)
		what = "made by uprobes";
	else if (vma->status & VMA_ANON_SHARED)
		what = "shared memory in the form of old images";
	if (!what)
		return 0;
	err_set(err, EOPNOTSUPP,
		"task %d: the mapping %llx-%llx is %s, which cannot be "
		"restored yet",
		task->pid, (unsigned long long)vma->start,
		(unsigned long long)vma->end, what);
	return err_hint(err, "restore this image with the engine that made it");
}

static bool is_special(const VmaEntry *vma)
{
	return vma->status & (VMA_VSYSCALL | VMA_VDSO | VMA_VVAR | VMA_GUARD);
}

static void rest_unmap(struct plan *plan, struct tape *tape)
{
	const struct zone *zone = &plan->zone;
	uint64_t end = plan->host->task_size ?: plan->host->be->task_size;

	tape_about(tape, "removing the memory that it began with");
	tape_call(tape, CALL_munmap, A(0), A(zone->start));
	tape_call(tape, CALL_munmap, A(zone->end), A(end - zone->end));
}

static bool filled_by_tape(
	const struct plan_task *pt, size_t i, const VmaEntry *vma)
{
	return vma_has_pages(vma) && !(vma->status & VMA_VDSO) &&
	       !pt->staging[i] &&
	       plan_has_pages(pt->task, vma->start, vma->end);
}

static bool wants_huge(const VmaEntry *vma)
{
	return vma->has_madv && vma->madv & 1ull << MADV_HUGEPAGE;
}

/* Memory that may be writable until it is filled, at no cost but that, and
 * needs nothing that comes between mmap and the reading of its pages. What is
 * never written stays out: as writable memory it would count for overcommit. */
static bool is_plain(const struct plan_task *pt, size_t i)
{
	const VmaEntry *vma = pt->task->mm->vmas[i];

	return (vma->status & ~VMA_HEAP) == (VMA_REGULAR | VMA_ANON_PRIVATE) &&
	       !(vma->flags & (MAP_GROWSDOWN | MAP_HUGETLB)) &&
	       !pt->staging[i] && !wants_huge(vma) &&
	       (vma->prot & PROT_WRITE || filled_by_tape(pt, i, vma));
}

static bool joins_next(const struct plan_task *pt, size_t i)
{
	const MmEntry *mm = pt->task->mm;

	return i + 1 < mm->n_vmas &&
	       mm->vmas[i]->end == mm->vmas[i + 1]->start &&
	       (mm->vmas[i]->flags & FLAGS_OF_MMAP) ==
		       (mm->vmas[i + 1]->flags & FLAGS_OF_MMAP) &&
	       is_plain(pt, i) && is_plain(pt, i + 1);
}

/* The last area that comes by the mmap of area i. */
static size_t block_last(const struct plan_task *pt, size_t i)
{
	while (joins_next(pt, i))
		i++;
	return i;
}

/* Where every page is going to be read, all of them in one go are cheaper
 * than a fault each; but huge pages are asked for only after the mmap. */
static uint64_t populate_flag(
	const struct task *task, const VmaEntry *vma, uint64_t end)
{
	return !wants_huge(vma) && vma->status & VMA_ANON_PRIVATE &&
			       end - vma->start < SHARE_MIN &&
			       plan_has_all_pages(task, vma->start, end)
		       ? MAP_POPULATE
		       : 0;
}

/* As the area is to be in the end. */
static uint64_t vma_prot(const struct plan *plan, const VmaEntry *vma)
{
	return vma->prot & ~plan->host->prot_lacks;
}

/* Where nothing can be dropped, memory that is not may do as well. */
static uint64_t vma_flags(const struct plan *plan, const VmaEntry *vma)
{
	uint64_t flags = vma->flags & FLAGS_OF_MMAP;

	if (!(flags & VMA_MAP_DROPPABLE) || !plan->host->droppable_lacks)
		return flags;
	return (flags & ~(uint64_t)VMA_MAP_DROPPABLE) | MAP_PRIVATE;
}

/* What an area can be used for until vma_finish. */
static uint64_t early_prot(
	const struct plan *plan, const struct plan_task *pt, size_t i)
{
	const VmaEntry *vma = pt->task->mm->vmas[i];

	if (pt->staging[i] || is_plain(pt, i))
		return PROT_READ | PROT_WRITE;
	return vma_prot(plan, vma) |
	       (filled_by_tape(pt, i, vma) ? PROT_WRITE : 0);
}

/* Area i, and those behind it up to the last that come with it. */
static void vma_map(struct plan *plan, struct plan_task *pt, size_t i,
	size_t last, struct tape *tape)
{
	const VmaEntry *vma = pt->task->mm->vmas[i];
	uint64_t flags = vma_flags(plan, vma);
	uint64_t end = pt->task->mm->vmas[last]->end;
	int fd = -1;

	tape_about_range(tape, "memory", vma->start, end);
	if (pt->staging[i]) {
		tape_call(tape, CALL_mremap, A(pt->staging[i]->at),
			A(vma_size(vma)), A(vma_size(vma)),
			A(MREMAP_MAYMOVE | MREMAP_FIXED), A(vma->start));
		return;
	}
	if (filled_by_tape(pt, i, vma))
		flags |= populate_flag(pt->task, vma, end);
	if (vma->status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED))
		fd = plan_slot(plan, (uint32_t)vma->shmid,
			vma->status & VMA_FILE_SHARED && (vma->fdflags & 3));
	tape_call(tape, CALL_mmap, A(vma->start), A(end - vma->start),
		A(early_prot(plan, pt, i)), A(flags | MAP_FIXED),
		A((int64_t)fd), A(fd < 0 ? 0 : vma->pgoff));
}

/* Pieces follow each other in a pages file: as long as none is left out, one
 * read serves many. So they are read file by file. */
struct reading {
	struct plan_task *pt;
	struct tape *tape;
	VEC(struct tape_iov) iov;
	uint32_t file;
	uint64_t from, next; /* in the file */
	size_t area;	     /* the first that ends behind what was read */
	size_t block_end;    /* behind the last that was mapped with it */
};

static void reading_flush(struct reading *reading)
{
	if (!reading->iov.n)
		return;
	tape_about(reading->tape, "pages at %#llx of %s",
		(unsigned long long)reading->from,
		source_file_name(reading->tape->arena,
			&reading->pt->task->pages, reading->file));
	tape_read(reading->tape,
		A(reading->pt->pages_slot + (int)reading->file),
		reading->iov.at, reading->iov.n, reading->from);
	reading->iov.n = 0;
}

static void reading_add(
	struct reading *reading, uint64_t vaddr, uint64_t size, uint64_t offset)
{
	struct tape_iov *last;

	if (reading->iov.n && reading->next == offset) {
		last = &reading->iov.at[reading->iov.n - 1];
		reading->next += size;
		if (last->base + last->size == vaddr) {
			last->size += size;
			return;
		}
	} else {
		reading_flush(reading);
		reading->from = offset;
		reading->next = offset + size;
	}
	*vec_push(reading->tape->arena, &reading->iov) =
		(struct tape_iov){vaddr, size};
}

static void pages_stray(
	const struct task *task, uint64_t vaddr, int *ret_code, struct err *err)
{
	*ret_code = err_set(err, EBADMSG,
		"task %d: the pages at %#llx belong to no area of its memory",
		task->pid, (unsigned long long)vaddr);
}

/* A big piece is shared with the coordinator: half of it each. */
static void piece_read(
	struct reading *reading, uint64_t vaddr, uint64_t size, uint64_t offset)
{
	uint64_t half = size / 2 & ~(uint64_t)(SHARE_ALIGN - 1);

	if (!reading->pt->shared_reading || size < SHARE_MIN) {
		reading_add(reading, vaddr, size, offset);
		return;
	}
	*vec_push(reading->tape->arena, &reading->pt->shares) =
		(struct plan_share){vaddr + half, size - half, offset + half,
			reading->file};
	reading_flush(reading);
	tape_about(reading->tape, "room for the pages at %#llx",
		(unsigned long long)vaddr);
	tape_try(reading->tape, CALL_madvise, A(vaddr), A(half),
		A(MADV_POPULATE_WRITE));
	reading_add(reading, vaddr, half, offset);
}

/* The area at an address, which are asked for in order, or NULL. */
static const VmaEntry *area_at(struct reading *reading, uint64_t at)
{
	const MmEntry *mm = reading->pt->task->mm;
	const VmaEntry *vma;

	while (reading->area < mm->n_vmas && mm->vmas[reading->area]->end <= at)
		reading->area++;
	if (reading->area == mm->n_vmas)
		return NULL;
	if (reading->block_end <= reading->area)
		reading->block_end = block_last(reading->pt, reading->area) + 1;
	vma = mm->vmas[reading->area];
	return vma->start > at || vma->status & VMA_GUARD ? NULL : vma;
}

/* One piece may cover several areas, some of which are staged; those of one
 * mmap are read in one go. */
static int stored_read(struct reading *reading,
	const struct source_piece *stored, struct err *err)
{
	const struct task *task = reading->pt->task;
	uint64_t at = stored->vaddr, end, stop, offset = stored->offset;
	const VmaEntry *vma;
	int code = 0;

	end = source_piece_end(&task->pages, stored);
	while (at < end) {
		vma = area_at(reading, at);
		if (!vma) {
			pages_stray(task, at, &code, err);
			return code;
		}
		stop = task->mm->vmas[reading->block_end - 1]->end;
		stop = end < stop ? end : stop;
		if (filled_by_tape(reading->pt, reading->area, vma))
			piece_read(reading, at, stop - at, offset);
		offset += stop - at;
		at = stop;
	}
	return 0;
}

/* What lies in one of the files, in the order in which it lies there. */
static int file_read(
	struct plan_task *pt, struct tape *tape, uint32_t file, struct err *err)
{
	struct reading reading = {.pt = pt, .tape = tape, .file = file};
	const struct source *pages = &pt->task->pages;
	int code = 0;

	for (size_t i = 0; i < pages->n && !code; i++)
		if (pages->pieces[i].file == file)
			code = stored_read(&reading, &pages->pieces[i], err);
	reading_flush(&reading);
	return code;
}

/* What the daemon brings is not among them any more. */
static int elsewhere_refuse(const struct task *task, struct err *err)
{
	const struct source *pages = &task->pages;
	size_t i = 0;

	while (i < pages->n && pages->pieces[i].file != SOURCE_ELSEWHERE)
		i++;
	if (i == pages->n)
		return 0;
	err_set(err, EBADMSG,
		"task %d: pages at %#llx are still with whoever dumped it",
		task->pid, (unsigned long long)pages->pieces[i].vaddr);
	return err_hint(err, "restore with --lazy-pages, and a daemon that has "
			     "them brought: stasis lazy-pages --page-server");
}

static void meet(struct tape *tape, const char *what, size_t word)
{
	tape_about(tape, "%s", what);
	tape_meet(tape, A_REEL(word), 2);
}

static int pages_read(struct plan_task *pt, struct tape *tape, struct err *err)
{
	int code = elsewhere_refuse(pt->task, err);

	if (pt->shared_reading)
		meet(tape, "waiting for stasis to fill its part of the memory",
			offsetof(struct reel_words, mapped));
	for (uint32_t i = 0; i < pt->task->pages.n_files && !code; i++)
		code = file_read(pt, tape, i, err);
	if (pt->shared_reading)
		meet(tape,
			"waiting for the part of the memory that stasis fills",
			offsetof(struct reel_words, filled));
	return code;
}

static bool locks_on_fault(const struct task *task, const VmaEntry *vma)
{
	const StasisTaskExtra *extra = task->extra;

	for (size_t i = 0; extra && i < extra->n_lock_on_fault; i++)
		if (extra->lock_on_fault[i]->start <= vma->start &&
			vma->start < extra->lock_on_fault[i]->end)
			return true;
	return false;
}

static bool has_guards(const MmEntry *mm, const VmaEntry *vma)
{
	for (size_t i = mm->n_vmas; i && mm->vmas[i - 1]->status & VMA_GUARD;
		i--)
		if (mm->vmas[i - 1]->start >= vma->start &&
			mm->vmas[i - 1]->start < vma->end)
			return true;
	return false;
}

/* To lock is to bring in, which guards stop half way. */
static void vma_lock(
	const struct task *task, const VmaEntry *vma, struct tape *tape)
{
	bool on_fault = locks_on_fault(task, vma);
	bool guards = has_guards(task->mm, vma);

	if (on_fault || guards)
		tape_call(tape, CALL_mlock2, A(vma->start), A(vma_size(vma)),
			A(MLOCK_ONFAULT));
	if (!on_fault && guards)
		tape_try(tape, CALL_mlock, A(vma->start), A(vma_size(vma)));
	else if (!on_fault)
		tape_call(tape, CALL_mlock, A(vma->start), A(vma_size(vma)));
}

static void vma_finish(const struct plan *plan, struct plan_task *pt, size_t i,
	struct tape *tape)
{
	const VmaEntry *vma = pt->task->mm->vmas[i];
	uint64_t at = vma->start, size = vma_size(vma);
	uint64_t prot = vma_prot(plan, vma);

	/* What no access can see the kernel does not make ready for tags. */
	if (prot & VMA_PROT_TAGS && !(prot & (PROT_READ | PROT_WRITE)))
		tape_call(tape, CALL_mprotect, A(at), A(size),
			A(PROT_READ | VMA_PROT_TAGS));
	if (prot != early_prot(plan, pt, i))
		tape_call(tape, CALL_mprotect, A(at), A(size), A(prot));
	if (vma->flags & MAP_LOCKED)
		vma_lock(pt->task, vma, tape);
	for (int advice = 0; vma->has_madv && advice < 64; advice++)
		if (vma->madv & 1ull << advice)
			tape_call(
				tape, CALL_madvise, A(at), A(size), A(advice));
}

/* Huge pages are wanted before the pages are read. */
static void advise_early(const VmaEntry *vma, struct tape *tape)
{
	if (wants_huge(vma))
		tape_call(tape, CALL_madvise, A(vma->start), A(vma_size(vma)),
			A(MADV_HUGEPAGE));
}

/* Not in memory that is locked already. */
static void guards_install(const MmEntry *mm, struct tape *tape)
{
	const VmaEntry *vma;

	for (size_t i = 0; i < mm->n_vmas; i++) {
		vma = mm->vmas[i];
		if (!(vma->status & VMA_GUARD))
			continue;
		tape_about_range(tape, "guard", vma->start, vma->end);
		tape_call(tape, CALL_madvise, A(vma->start), A(vma_size(vma)),
			A(MADV_GUARD_INSTALL));
	}
}

/* A kernel without names (CONFIG_ANON_VMA_NAME) does as well. */
static void names_give(const struct task *task, struct tape *tape)
{
	const StasisTaskExtra *extra = task->extra;
	const StasisName *name;
	uint64_t text;

	for (size_t i = 0; extra && i < extra->n_name; i++) {
		name = extra->name[i];
		text = tape_data(tape, name->name, strlen(name->name) + 1);
		tape_about_range(tape, "name", name->start, name->end);
		tape_try(tape, CALL_prctl, A(PR_SET_VMA),
			A(PR_SET_VMA_ANON_NAME), A(name->start),
			A(name->end - name->start), A_DATA(text));
	}
}

/* Before there are pages; those that are there already are moved. Nodes that
 * this host has not got are no reason to fail. */
static void policies_give(const struct task *task, struct tape *tape)
{
	const StasisTaskExtra *extra = task->extra;
	const StasisPolicy *policy;
	uint64_t nodes;

	for (size_t i = 0; extra && i < extra->n_policy; i++) {
		policy = extra->policy[i];
		nodes = tape_data(tape, policy->nodes.data, policy->nodes.len);
		tape_about_range(
			tape, "NUMA policy", policy->start, policy->end);
		tape_try(tape, CALL_mbind, A(policy->start),
			A(policy->end - policy->start), A(policy->mode),
			A_DATA(nodes), A(policy->nodes.len * 8 + 1),
			A(MOVE_PAGES));
	}
}

static void stage_unmap(struct plan *plan, struct tape *tape)
{
	const struct zone *zone = &plan->zone;

	if (zone->stage_end == zone->stage)
		return;
	tape_about(tape, "memory that only children inherit");
	tape_call(tape, CALL_munmap, A(zone->stage),
		A(zone->stage_end - zone->stage));
}

static int areas_map(struct plan *plan, struct plan_task *pt, struct tape *tape,
	struct err *err)
{
	const MmEntry *mm = pt->task->mm;
	size_t last;
	int code;

	for (size_t i = 0; i < mm->n_vmas; i = last + 1) {
		last = i;
		code = vma_check(plan, pt->task, mm->vmas[i], err);
		if (code)
			return code;
		if (is_special(mm->vmas[i]))
			continue;
		last = block_last(pt, i);
		vma_map(plan, pt, i, last, tape);
		advise_early(mm->vmas[i], tape);
	}
	return 0;
}

static void areas_finish(
	const struct plan *plan, struct plan_task *pt, struct tape *tape)
{
	const MmEntry *mm = pt->task->mm;

	guards_install(mm, tape);
	for (size_t i = 0; i < mm->n_vmas; i++) {
		if (is_special(mm->vmas[i]))
			continue;
		tape_about_range(
			tape, "memory", mm->vmas[i]->start, mm->vmas[i]->end);
		vma_finish(plan, pt, i, tape);
	}
	names_give(pt->task, tape);
}

int plan_memory(struct plan *plan, struct plan_task *pt, struct tape *tape,
	struct err *err)
{
	int code;

	pt->shared_reading =
		plan->host->cpus > 1 &&
		pt->task->pages.stored * plan->host->page_size >= SHARE_MIN;
	plan_vdso_park(plan, tape);
	rest_unmap(plan, tape);
	plan_lazy_begin(pt, tape);
	code = areas_map(plan, pt, tape, err);
	stage_unmap(plan, tape);
	policies_give(pt->task, tape);
	if (!code)
		code = pages_read(pt, tape, err);
	if (!code)
		code = plan_vdso_place(plan, pt, tape, err);
	if (!code)
		areas_finish(plan, pt, tape);
	plan_lazy_register(pt, tape);
	return code;
}
