/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/memory.h"

#include "model/vma.h"

const char *const inspect_kind_names[MEMORY_KINDS] = {
	[MEMORY_ANON] = "anon",
	[MEMORY_HEAP] = "heap",
	[MEMORY_STACK] = "stack",
	[MEMORY_FILE] = "file",
	[MEMORY_SHARED] = "shared",
	[MEMORY_KERNEL] = "kernel",
};

static enum inspect_kind vma_kind(const VmaEntry *vma, const MmEntry *mm)
{
	uint32_t status = vma->status;

	if (status & (VMA_VDSO | VMA_VVAR | VMA_VSYSCALL))
		return MEMORY_KERNEL;
	if (status & (VMA_MEMFD | VMA_SYSVIPC | VMA_ANON_SHARED))
		return MEMORY_SHARED;
	if (status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED | VMA_SOCKET))
		return MEMORY_FILE;
	/* Not all writers set the stack's bit. */
	if (status & (VMA_STACK | VMA_SHSTK) ||
		(mm->mm_start_stack >= vma->start &&
			mm->mm_start_stack < vma->end))
		return MEMORY_STACK;
	return status & VMA_HEAP ? MEMORY_HEAP : MEMORY_ANON;
}

/* The first run that ends behind an address. */
static size_t run_from(const struct pages_map *map, uint64_t vaddr)
{
	size_t low = 0, high = map->n, middle;
	const struct pages_run *run;

	while (low < high) {
		middle = low + (high - low) / 2;
		run = &map->runs[middle];
		if (run->vaddr + run->nr_pages * map->page_size <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void vma_sum(const VmaEntry *vma, const struct pages_map *map,
	struct inspect_memory *sum)
{
	const struct pages_run *run;
	uint64_t from, to;

	sum->size += vma->end - vma->start;
	for (size_t i = run_from(map, vma->start); i < map->n; i++) {
		run = &map->runs[i];
		if (run->vaddr >= vma->end)
			break;
		from = run->vaddr > vma->start ? run->vaddr : vma->start;
		to = run->vaddr + run->nr_pages * map->page_size;
		if (to > vma->end)
			to = vma->end;
		if (run->flags & PAGES_PRESENT)
			sum->stored += to - from;
		else if (run->flags & PAGES_PARENT)
			sum->in_parent += to - from;
	}
}

void memory_sum(const MmEntry *mm, const struct pages_map *map,
	struct inspect_memory ret_sums[MEMORY_KINDS])
{
	const VmaEntry *vma;

	for (size_t i = 0; i < mm->n_vmas; i++) {
		vma = mm->vmas[i];
		/* A guard is a part of another area, not memory. */
		if (vma->end <= vma->start || vma->status & VMA_GUARD)
			continue;
		vma_sum(vma, map, &ret_sums[vma_kind(vma, mm)]);
	}
}
