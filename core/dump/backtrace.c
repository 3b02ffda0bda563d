/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/backtrace.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/index.h"
#include "base/log.h"
#include "inspect/machine.h"
#include "inspect/unwind.h"
#include "kernel/memory.h"

/* The victim is frozen meanwhile. */
enum { THREADS_MAX = 32, FRAMES_MAX = 64, FILES_MAX = 256, LIMIT_MS = 2000 };

struct view {
	struct dump *dump;
	const struct victim *victim;
	struct memory memory;
	struct unwind_map *maps;
	size_t n_maps, n_files;
	struct index by_file;
};

/* What unwind's callbacks get. */
struct thread_view {
	const struct view *view;
	CoreEntry core;
	pid_t tid;
};

/* The file itself, whatever its name leads to by now. */
static int map_open(const struct victim *victim, const struct map *map)
{
	char name[64];
	int fd = -1;

	snprintf(name, sizeof(name), "map_files/%llx-%llx",
		(unsigned long long)map->start, (unsigned long long)map->end);
	proc_open_file(
		&victim->proc, 0, name, O_RDONLY | O_CLOEXEC, &fd, ERR_UNREAD);
	return fd;
}

/* Files of other devices may have the same number. */
static bool map_same_file(const struct map *a, const struct map *b)
{
	return a->ino == b->ino && a->dev_major == b->dev_major &&
	       a->dev_minor == b->dev_minor;
}

/* Maps of one file have one number and one fd. */
static void map_fill(struct view *view, size_t i)
{
	const struct map *map = &view->victim->maps.at[i];
	struct unwind_map *to = &view->maps[i], *first;
	void **slot;

	*to = (struct unwind_map){.start = map->start,
		.end = map->end,
		.pgoff = map->offset,
		.exec = map->prot & PROT_EXEC,
		.name = map->path && map->path[0] ? map->path : NULL,
		.fd = -1};
	if (!map->ino)
		return;
	slot = index_slot(view->dump->arena, &view->by_file, map->ino);
	first = *slot;
	if (first && map_same_file(
			     &view->victim->maps.at[first - view->maps], map)) {
		to->object = first->object;
		to->fd = first->fd;
		return;
	}
	*slot = to;
	to->object = (uint32_t)i + 1;
	if (view->n_files++ < FILES_MAX)
		to->fd = map_open(view->victim, map);
}

static void maps_close(struct view *view)
{
	for (size_t i = 0; i < view->n_maps; i++)
		if (view->maps[i].object == i + 1)
			fd_closep(&view->maps[i].fd);
}

static size_t view_read_mem(void *arg, uint64_t at, void *to, size_t size)
{
	const struct thread_view *thread = arg;
	ssize_t n = pread(thread->view->memory.fd, to, size, (off_t)at);

	return n > 0 ? (size_t)n : 0;
}

static bool view_read_reg(void *arg, unsigned number, uint64_t *ret_value)
{
	const struct thread_view *thread = arg;

	return machine_reg(&thread->core, number, ret_value);
}

static void frame_log(size_t i, const struct unwind_frame *frame)
{
	log_info("  #%zu %#llx %s+%#llx%s%s", i, (unsigned long long)frame->pc,
		frame->symbol ? frame->symbol : "?",
		(unsigned long long)frame->offset, frame->file ? " in " : "",
		frame->file ? frame->file : "");
}

static void stack_log(
	const struct thread_view *thread, const struct unwind_stack *stack)
{
	log_info("thread %d of process %d stands at:", thread->tid,
		thread->view->victim->pid);
	for (size_t i = 0; i < stack->frames.n && i < FRAMES_MAX; i++)
		frame_log(i, &stack->frames.at[i]);
	if (stack->note)
		log_info("  %s", stack->note);
}

/* False: its registers are not known. */
static bool thread_look(const struct view *view,
	const struct victim_thread *thread, struct thread_view *its,
	struct unwind_source *ret)
{
	struct dump *dump = view->dump;
	struct unwind_source source = {.arg = its,
		.read_mem = view_read_mem,
		.read_reg = view_read_reg,
		.fds = &view->memory.fd,
		.n_fds = 1,
		.maps = view->maps,
		.n_maps = view->n_maps};

	*its = (struct thread_view){.view = view, .tid = thread->tid};
	core_entry__init(&its->core);
	if (!thread->regs.set[0].bytes ||
		dump->run->be->thread_to_image(
			dump->arena, &thread->regs, &its->core, ERR_UNREAD) ||
		!machine_pc_sp(&its->core, &source.pc, &source.sp))
		return false;
	source.chain = machine_chain(&its->core);
	*ret = source;
	return true;
}

static void threads_log(struct view *view, struct unwinder *unwinder)
{
	const struct victim *victim = view->victim;
	struct arena *arena = view->dump->arena;
	struct thread_view *threads =
		arena_newn(arena, struct thread_view, THREADS_MAX);
	struct unwind_source sources[THREADS_MAX];
	struct unwind_stack stacks[THREADS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < victim->threads.n && n < THREADS_MAX; i++)
		n += thread_look(
			view, victim->threads.at[i], &threads[n], &sources[n]);
	unwind_threads(
		arena, unwinder, sources, n, LIMIT_MS, stacks, ERR_UNREAD);
	for (size_t i = 0; i < n; i++)
		stack_log(&threads[i], &stacks[i]);
}

void backtrace_log_victim(struct dump *dump, const struct victim *victim)
{
	_cleanup_unwinder_ struct unwinder *unwinder = NULL;
	struct view view = {.dump = dump,
		.victim = victim,
		.memory = MEMORY_CLOSED,
		.n_maps = victim->maps.n};

	if (!log_enabled(LOG_INFO) ||
		memory_open(&victim->proc, &view.memory, ERR_UNREAD))
		return;
	view.maps = arena_newn(dump->arena, struct unwind_map, view.n_maps + 1);
	if (!unwinder_new(dump->arena, &unwinder, ERR_UNREAD)) {
		for (size_t i = 0; i < view.n_maps; i++)
			map_fill(&view, i);
		threads_log(&view, unwinder);
		maps_close(&view);
	}
	memory_close(&view.memory);
}
