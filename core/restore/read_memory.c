/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/read_memory.h"

#include <errno.h>

#include "model/vma.h"

enum { VDSO_MAX = 1 << 20 };

static int vmas_check(
	struct restore *restore, const struct task *task, struct err *err)
{
	const MmEntry *mm = task->mm;
	uint64_t last = 0, page = restore->page_size;
	const VmaEntry *vma;

	for (size_t i = 0; i < mm->n_vmas; i++) {
		vma = mm->vmas[i];
		if (vma->start >= vma->end || vma->start % page ||
			vma->end % page)
			return err_set(err, EBADMSG,
				"mm-%d.img: area %llx-%llx is no range of "
				"pages",
				task->pid, (unsigned long long)vma->start,
				(unsigned long long)vma->end);
		if (vma->status & (VMA_GUARD | VMA_VSYSCALL))
			continue;
		if (vma->start < last || vma->end > restore->be->task_size)
			return err_set(err, EBADMSG,
				"mm-%d.img: area %llx-%llx is out of order or "
				"out of reach",
				task->pid, (unsigned long long)vma->start,
				(unsigned long long)vma->end);
		last = vma->end;
	}
	return 0;
}

/* The vdso's contents, if all of it is stored. */
static void vdso_read(struct restore *restore, struct task *task,
	struct source_reader *reader, const VmaEntry *vma)
{
	uint64_t size = vma->end - vma->start;
	uint8_t *bytes;

	if (size > VDSO_MAX)
		return;
	bytes = arena_alloc(restore->arena, size);
	if (source_read(reader, vma->start, bytes, size) == size)
		task->vdso = bytes;
}

static void vdso_find(struct restore *restore, struct task *task)
{
	_cleanup_source_reader_ struct source_reader reader = {0};

	source_reader_open(&reader, restore->arena, &task->pages);
	for (size_t i = 0; i < task->mm->n_vmas; i++)
		if (task->mm->vmas[i]->status & VMA_VDSO)
			vdso_read(restore, task, &reader, task->mm->vmas[i]);
}

int read_memory(struct restore *restore, struct task *task, struct err *err)
{
	int code;

	code = vmas_check(restore, task, err);
	if (!code)
		code = source_load(restore->images, IMAGE_PAGEMAP,
			(uint64_t)task->pid, (uint32_t)restore->page_size,
			&task->pages, err);
	if (!code)
		vdso_find(restore, task);
	return code;
}
