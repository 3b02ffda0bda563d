/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/stage.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/io.h"
#include "model/vma.h"

enum { PIECE = 64 << 10 };

struct area {
	struct birth_ward *ward;
	struct plan_task *pt;
	const VmaEntry *vma;
	const struct staging *staging;
};

static void *area_at(const struct area *area, uint64_t vaddr)
{
	return (void *)(uintptr_t)(area->staging->at +
				   (vaddr - area->vma->start));
}

/* The area anew. Children may write where this task may not: read-write. */
static int area_map(struct area *area, struct err *err)
{
	const VmaEntry *vma = area->vma;
	bool file = vma->status & VMA_FILE_PRIVATE;
	int flags = MAP_PRIVATE | MAP_FIXED_NOREPLACE |
		    (int)(vma->flags & MAP_NORESERVE) |
		    (file ? 0 : MAP_ANONYMOUS);
	int slot =
		file ? plan_slot(area->ward->plan, (uint32_t)vma->shmid, false)
		     : -1;
	void *at = mmap(area_at(area, vma->start), vma->end - vma->start,
		PROT_READ | PROT_WRITE, flags, slot,
		file ? (off_t)vma->pgoff : 0);

	if (at == MAP_FAILED)
		return err_errno(err, "staging %llx-%llx",
			(unsigned long long)vma->start,
			(unsigned long long)vma->end);
	if (vma->has_madv && vma->madv & 1ull << MADV_HUGEPAGE)
		madvise(at, vma->end - vma->start, MADV_HUGEPAGE);
	return 0;
}

/* The parent's area, made as long as this task's. */
static int area_resize(struct area *area, struct err *err)
{
	uint64_t was = area->staging->from->size, now = area->staging->size;

	if (was == now)
		return 0;
	if (mremap(area_at(area, area->vma->start), was, now, 0) == MAP_FAILED)
		return err_errno(err, "resizing inherited memory");
	return 0;
}

static int run_fill(struct area *area, int fd, uint64_t vaddr, uint64_t size,
	uint64_t offset, struct err *err)
{
	int code =
		io_pread_exact(fd, area_at(area, vaddr), size, (off_t)offset);

	return code ? err_code(err, code, "reading pages at %#llx",
			      (unsigned long long)vaddr)
		    : 0;
}

/* Only what differs is written. */
static int run_compare(struct area *area, int fd, uint64_t vaddr, uint64_t size,
	uint64_t offset, struct err *err)
{
	uint64_t page = area->ward->plan->host->page_size, n;
	char room[PIECE];
	int code;

	for (; size; vaddr += n, offset += n, size -= n) {
		n = size < sizeof(room) ? size : sizeof(room);
		code = io_pread_exact(fd, room, n, (off_t)offset);
		if (code)
			return err_code(err, code, "reading pages at %#llx",
				(unsigned long long)vaddr);
		for (uint64_t at = 0; at < n; at += page)
			if (memcmp(area_at(area, vaddr + at), room + at,
				    page) != 0)
				memcpy(area_at(area, vaddr + at), room + at,
					page);
	}
	return 0;
}

/* What the parent has and this task does not: back to zeros or the file. */
static void hole_drop(struct area *area, uint64_t start, uint64_t end)
{
	const struct task *parent = area->pt->task->parent;

	if (start < end && plan_has_pages(parent, start, end))
		madvise(area_at(area, start), end - start, MADV_DONTNEED);
}

static int area_fill(struct area *area, struct err *err)
{
	const struct source *pages = &area->pt->task->pages;
	uint64_t at = area->vma->start, start, end;
	bool inherited = area->staging->from;
	const struct source_piece *piece;
	int code = 0;

	for (size_t i = source_behind(pages, at); i < pages->n && !code; i++) {
		piece = &pages->pieces[i];
		start = piece->vaddr;
		end = source_piece_end(pages, piece);
		if (start >= area->vma->end)
			break;
		if (start < area->vma->start)
			start = area->vma->start;
		if (end > area->vma->end)
			end = area->vma->end;
		if (inherited)
			hole_drop(area, at, start);
		code = (inherited ? run_compare : run_fill)(area,
			area->pt->pages_slot + (int)piece->file, start,
			end - start, piece->offset + (start - piece->vaddr),
			err);
		at = end;
	}
	if (inherited && !code)
		hole_drop(area, at, area->vma->end);
	return code;
}

int stage_memory(struct birth_ward *ward, struct plan_task *pt, struct err *err)
{
	struct area area = {.ward = ward, .pt = pt};
	int code = 0;

	for (size_t i = 0; i < pt->task->mm->n_vmas && !code; i++) {
		area.vma = pt->task->mm->vmas[i];
		area.staging = pt->staging[i];
		if (!area.staging)
			continue;
		code = area.staging->from ? area_resize(&area, err)
					  : area_map(&area, err);
		if (!code)
			code = area_fill(&area, err);
	}
	return code;
}
