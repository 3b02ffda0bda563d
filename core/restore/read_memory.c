/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/read_memory.h"

#include <errno.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
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
static int vdso_read(struct restore *restore, struct task *task, int fd,
	const VmaEntry *vma, struct err *err)
{
	const struct pages_run *run = pages_find(&task->pages, vma->start);
	uint64_t size = vma->end - vma->start;
	uint8_t *bytes;
	int code;

	if (!run || !(run->flags & PAGES_PRESENT) || size > VDSO_MAX ||
		run->vaddr + run->nr_pages * task->pages.page_size < vma->end)
		return 0;
	bytes = arena_alloc(restore->arena, size);
	code = io_pread_exact(fd, bytes, size,
		(off_t)(run->offset + (vma->start - run->vaddr)));
	if (code)
		return err_code(err, code, "reading pages-%u.img",
			task->pages.pages_id);
	task->vdso = bytes;
	return 0;
}

static int vdso_find(
	struct restore *restore, struct task *task, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	uint64_t size;
	int code = 0;

	for (size_t i = 0; i < task->mm->n_vmas && !code; i++) {
		if (!(task->mm->vmas[i]->status & VMA_VDSO) || !task->pages.n)
			continue;
		if (fd < 0)
			code = image_raw_open(restore->images, IMAGE_PAGES,
				task->pages.pages_id, &fd, &size, err);
		if (!code)
			code = vdso_read(
				restore, task, fd, task->mm->vmas[i], err);
	}
	return code;
}

int read_memory(struct restore *restore, struct task *task, struct err *err)
{
	int code;

	code = vmas_check(restore, task, err);
	if (!code)
		code = pages_load(restore->images, IMAGE_PAGEMAP,
			(uint64_t)task->pid, (uint32_t)restore->page_size,
			&task->pages, err);
	return code ?: vdso_find(restore, task, err);
}
