/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/stacks.h"

#include <errno.h>
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
#include "model/vma.h"

/* For the threads of one process. */
enum { LIMIT_MS = 10000 };

/* A mapped file as it is on this host now. */
struct mapped {
	int fd; /* -1: not here, or not the same */
};

struct stacks {
	struct inspection *in;
	struct unwinder *unwinder;
	VEC(struct mapped *) files;
	struct index by_id;
	bool given_up;
};

/* One task: what unwind's callbacks get. */
struct view {
	struct stacks *stacks;
	const struct inspect_task *task;
	struct source_reader *pages;
	struct unwind_map *maps;
	size_t n_maps; /* areas that ascend; guards, which follow, are parts
			* of others */
};

struct thread_view {
	struct view *view;
	const CoreEntry *core;
};

/* The file that was mapped must be the one that is here now; its build id is
 * looked at when it is read (unwind.h). */
static bool file_same(int fd, const RegFileEntry *reg)
{
	struct statfs fs;
	struct stat st;

	/* In /proc regular files are about whoever opens them, or block. */
	if (fstatfs(fd, &fs) || fs.f_type == PROC_SUPER_MAGIC || fstat(fd, &st))
		return false;
	return !reg->has_size || (uint64_t)st.st_size == reg->size;
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

static void map_identify(const struct stacks *stacks, struct unwind_map *map)
{
	const FileEntry *file = file_book_find(&stacks->in->files, map->object);

	if (map->fd < 0 || !file->reg->n_build_id)
		return;
	map->build_id = file->reg->build_id;
	map->build_id_size =
		file->reg->n_build_id * sizeof(file->reg->build_id[0]);
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
		map_identify(stacks, map);
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
	const struct view *view = ((const struct thread_view *)arg)->view;
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
	const struct thread_view *thread = arg;

	return machine_reg(thread->core, number, ret_value);
}

static struct unwind_source thread_source(
	struct view *view, const struct inspect_thread *thread)
{
	struct thread_view *its =
		arena_new1(view->stacks->in->arena, struct thread_view);

	*its = (struct thread_view){view, thread->core};
	return (struct unwind_source){.arg = its,
		.read_mem = view_read_mem,
		.read_reg = view_read_reg,
		.fds = view->pages->fds,
		.n_fds = view->pages->source->n_files,
		.pc = thread->pc,
		.sp = thread->sp,
		.maps = view->maps,
		.n_maps = view->n_maps,
		.chain = machine_chain(thread->core)};
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

/* Threads without a note, together. Of one whose images are made to take long
 * there is no more than what was found; with others there is no point. */
static int threads_unwind(struct view *view, struct inspect_task *task)
{
	struct arena *arena = view->stacks->in->arena;
	struct unwind_source *sources =
		arena_newn(arena, struct unwind_source, task->n_threads + 1);
	struct unwind_stack *stacks =
		arena_newn(arena, struct unwind_stack, task->n_threads + 1);
	struct inspect_thread *thread;
	size_t n = 0;
	int code;

	for (size_t i = 0; i < task->n_threads; i++)
		if (!task->threads[i].stack_note)
			sources[n++] = thread_source(view, &task->threads[i]);
	code = unwind_threads(arena, view->stacks->unwinder, sources, n,
		LIMIT_MS, stacks, ERR_UNREAD);
	n = 0;
	for (size_t i = 0; i < task->n_threads; i++) {
		thread = &task->threads[i];
		if (thread->stack_note)
			continue;
		thread->frames = stacks[n].frames.at;
		thread->n_frames = stacks[n].frames.n;
		thread->stack_note = stacks[n++].note;
	}
	return code;
}

/* What a child that may open nothing will read. */
static void pages_open(struct source_reader *reader)
{
	int fd;

	for (size_t i = 0; i < reader->source->n_files; i++)
		source_reader_fd(reader, (uint32_t)i, &fd, ERR_UNREAD);
}

static int task_stacks(
	struct stacks *stacks, struct inspect_task *task, struct err *err)
{
	_cleanup_source_reader_ struct source_reader reader = {0};
	struct view view = {.stacks = stacks, .task = task, .pages = &reader};
	struct source pages;
	int code;

	/* A zombie. */
	if (!task->mm)
		return 0;
	code = source_load(stacks->in->set, IMAGE_PAGEMAP, task->entry->pid,
		stacks->in->page_size, &pages, err);
	if (code < 0)
		return code;
	source_reader_open(&reader, stacks->in->arena, &pages);
	pages_open(&reader);
	view_maps(&view);
	for (size_t i = 0; i < task->n_threads; i++)
		task->threads[i].stack_note =
			stacks->given_up ? "looking at others took too long"
					 : thread_note(&task->threads[i]);
	if (threads_unwind(&view, task) == -ETIMEDOUT)
		stacks->given_up = true;
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
