/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/stacks.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "backend.h"
#include "base/fd.h"
#include "base/index.h"
#include "base/io.h"
#include "pages/source.h"
#include "inspect/machine.h"
#include "inspect/symbols.h"
#include "model/vma.h"

/* A mapped file as it is on this host now. */
struct mapped {
	int fd; /* -1: not here, or not the same */
};

struct stacks {
	struct inspection *in;
	struct unwinder *unwinder;
	VEC(struct mapped *) files;
	struct index by_id;
};

/* One task: what unwind's callbacks get. */
struct view {
	struct stacks *stacks;
	const struct inspect_task *task;
	const CoreEntry *core;
	struct source_reader *pages;
	struct unwind_map *maps;
	size_t n_maps; /* areas that ascend; guards, which follow, are parts
			* of others */
};

/* The file that was mapped must be the one that is here now. */
static bool file_same(int fd, const RegFileEntry *reg)
{
	struct statfs fs;
	struct stat st;

	/* In /proc regular files are about whoever opens them, or block. */
	if (fstatfs(fd, &fs) || fs.f_type == PROC_SUPER_MAGIC || fstat(fd, &st))
		return false;
	if (reg->has_size && (uint64_t)st.st_size != reg->size)
		return false;
	return reg->n_build_id == 0 ||
	       symbols_build_id_is(fd, reg->build_id,
		       reg->n_build_id * sizeof(reg->build_id[0]));
}

static int file_open(struct stacks *stacks, uint32_t id)
{
	const FileEntry *file = file_book_find(&stacks->in->files, id);
	struct mapped *mapped = index_get(&stacks->by_id, id);
	int fd = -1;

	if (mapped)
		return mapped->fd;
	/* Who named it is who wrote the images: it must be a file, and the same
	 * as then, before anything of it is read. */
	if (file && file->reg && file->reg->name[0] == '/' &&
		!io_open_regular(AT_FDCWD, file->reg->name, INT64_MAX, &fd,
			NULL, ERR_UNREAD) &&
		!file_same(fd, file->reg)) {
		close(fd);
		fd = -1;
	}
	mapped = arena_new1(stacks->in->arena, struct mapped);
	mapped->fd = fd;
	*vec_push(stacks->in->arena, &stacks->files) = mapped;
	*index_slot(stacks->in->arena, &stacks->by_id, id) = mapped;
	return fd;
}

static bool vma_of_file(const VmaEntry *vma)
{
	return vma->status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED) &&
	       !(vma->status & VMA_MEMFD);
}

static void view_maps(struct view *view)
{
	const MmEntry *mm = view->task->mm;
	struct stacks *stacks = view->stacks;
	struct unwind_map *map;
	const VmaEntry *vma;

	view->maps = arena_newn(
		stacks->in->arena, struct unwind_map, mm->n_vmas + 1);
	for (size_t i = 0; i < mm->n_vmas; i++) {
		vma = mm->vmas[i];
		if (vma->end <= vma->start ||
			(i && vma->start < mm->vmas[i - 1]->end))
			break;
		view->n_maps++;
		map = &view->maps[i];
		map->start = vma->start;
		map->end = vma->end;
		map->exec = vma->prot & PROT_EXEC;
		map->fd = -1;
		if (vma->status & VMA_VDSO)
			map->name = "[vdso]";
		if (!vma_of_file(vma))
			continue;
		map->pgoff = vma->pgoff;
		map->object = (uint32_t)vma->shmid;
		map->name = file_book_path(&stacks->in->files, map->object);
		map->fd = file_open(stacks, map->object);
	}
}

/* What is not stored is as the file has it, or zero. */
static size_t vma_read(
	const struct view *view, size_t i, uint64_t at, void *to, size_t size)
{
	const VmaEntry *vma = view->task->mm->vmas[i];
	const struct unwind_map *map = &view->maps[i];
	uint64_t page = view->pages->source->page_size;
	uint64_t stop = (at / page + 1) * page;

	/* Only up to the end of the page: the next one may be stored. */
	if (stop > vma->end)
		stop = vma->end;
	if (size > stop - at)
		size = (size_t)(stop - at);
	if (map->fd >= 0)
		return io_pread_exact(map->fd, to, size,
			       (off_t)(at - vma->start + vma->pgoff)) < 0
			       ? 0
			       : size;
	if (!(vma->status & VMA_ANON_PRIVATE) || vma->status & VMA_GUARD)
		return 0;
	memset(to, 0, size);
	return size;
}

static bool map_find(const struct view *view, uint64_t at, size_t *ret)
{
	size_t low = 0, high = view->n_maps, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (view->maps[mid].end <= at)
			low = mid + 1;
		else
			high = mid;
	}
	*ret = low;
	return low < view->n_maps && view->maps[low].start <= at;
}

static size_t view_read_mem(void *arg, uint64_t at, void *to, size_t size)
{
	const struct view *view = arg;
	size_t done = 0, now = 1, i;
	uint64_t here;

	while (done < size && now) {
		here = at + done;
		now = source_read(
			view->pages, here, (char *)to + done, size - done);
		if (!now && map_find(view, here, &i))
			now = vma_read(
				view, i, here, (char *)to + done, size - done);
		done += now;
	}
	return done;
}

static bool view_read_reg(void *arg, unsigned number, uint64_t *ret_value)
{
	const struct view *view = arg;

	return machine_reg(view->core, number, ret_value);
}

static void thread_unwind(struct view *view, struct inspect_thread *thread)
{
	struct unwind_source source = {.arg = view,
		.read_mem = view_read_mem,
		.read_reg = view_read_reg,
		.pc = thread->pc,
		.sp = thread->sp,
		.maps = view->maps,
		.n_maps = view->n_maps,
		.chain = machine_chain(thread->core)};
	struct unwind_stack stack;

	view->core = thread->core;
	unwind_thread(view->stacks->unwinder, &source, &stack);
	thread->frames = stack.frames.at;
	thread->n_frames = stack.frames.n;
	thread->stack_note = stack.note;
}

/* NULL: this host can unwind it. */
static const char *thread_note(const struct inspect_thread *thread)
{
	const CoreEntry *core = thread->core;

	if (!core || !thread->has_pc)
		return "its registers are not stored";
	if (!backend_native ||
		(uint32_t)core->mtype != backend_native->core_mtype)
		return "call chains are found on a host of the same machine "
		       "only";
	if (core->thread_info && core->thread_info->gpregs->has_mode &&
		core->thread_info->gpregs->mode == USER_X86_REGS_MODE__COMPAT)
		return "32-bit programs are not unwound";
	return NULL;
}

static int task_stacks(
	struct stacks *stacks, struct inspect_task *task, struct err *err)
{
	_cleanup_source_reader_ struct source_reader reader = {0};
	struct view view = {.stacks = stacks, .task = task, .pages = &reader};
	struct source pages;
	struct inspect_thread *thread;
	int code;

	/* A zombie. */
	if (!task->mm)
		return 0;
	code = source_load(stacks->in->set, IMAGE_PAGEMAP, task->entry->pid,
		stacks->in->page_size, &pages, err);
	if (code < 0)
		return code;
	source_reader_open(&reader, stacks->in->arena, &pages);
	view_maps(&view);
	for (size_t i = 0; i < task->n_threads; i++) {
		thread = &task->threads[i];
		thread->stack_note = thread_note(thread);
		if (!thread->stack_note)
			thread_unwind(&view, thread);
	}
	return 0;
}

int stacks_gather(struct inspection *in, struct err *err)
{
	_cleanup_unwinder_ struct unwinder *unwinder = NULL;
	struct stacks stacks = {.in = in};
	int ret = 0;

	ret = unwinder_new(in->arena, &unwinder, err);
	if (ret < 0)
		return ret;
	stacks.unwinder = unwinder;
	for (size_t i = 0; ret == 0 && i < in->tasks.n; i++)
		ret = task_stacks(&stacks, &in->tasks.at[i], err);
	for (size_t i = 0; i < stacks.files.n; i++)
		fd_closep(&stacks.files.at[i]->fd);
	return ret;
}
