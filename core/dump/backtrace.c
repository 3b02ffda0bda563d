/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/backtrace.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "inspect/machine.h"
#include "inspect/unwind.h"
#include "kernel/memory.h"

enum { THREADS_MAX = 32, FRAMES_MAX = 64 };

/* What unwind's callbacks get. */
struct view {
	struct dump *dump;
	const struct victim *victim;
	struct memory memory;
	CoreEntry core; /* registers of the thread at hand */
	struct unwind_map *maps;
	size_t n_maps;
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

/* Maps of one file have one number and one fd. */
static void map_fill(struct view *view, size_t i)
{
	const struct map *map = &view->victim->maps.at[i], *other;
	struct unwind_map *to = &view->maps[i];

	*to = (struct unwind_map){.start = map->start,
		.end = map->end,
		.pgoff = map->offset,
		.exec = map->prot & PROT_EXEC,
		.name = map->path && map->path[0] ? map->path : NULL,
		.fd = -1};
	if (!map->ino)
		return;
	for (size_t k = 0; k < i && !to->object; k++) {
		other = &view->victim->maps.at[k];
		if (other->ino != map->ino ||
			other->dev_major != map->dev_major ||
			other->dev_minor != map->dev_minor)
			continue;
		to->object = view->maps[k].object;
		to->fd = view->maps[k].fd;
	}
	if (to->object)
		return;
	to->object = (uint32_t)i + 1;
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
	const struct view *view = arg;
	ssize_t n = pread(view->memory.fd, to, size, (off_t)at);

	return n > 0 ? (size_t)n : 0;
}

static bool view_read_reg(void *arg, unsigned number, uint64_t *ret_value)
{
	const struct view *view = arg;

	return machine_reg(&view->core, number, ret_value);
}

static void frame_log(size_t i, const struct unwind_frame *frame)
{
	log_info("  #%zu %#llx %s+%#llx%s%s", i, (unsigned long long)frame->pc,
		frame->symbol ? frame->symbol : "?",
		(unsigned long long)frame->offset, frame->file ? " in " : "",
		frame->file ? frame->file : "");
}

static void thread_log(struct view *view, struct unwinder *unwinder,
	const struct victim_thread *thread)
{
	struct unwind_source source = {.arg = view,
		.read_mem = view_read_mem,
		.read_reg = view_read_reg,
		.maps = view->maps,
		.n_maps = view->n_maps};
	struct unwind_stack stack;

	core_entry__init(&view->core);
	if (!thread->regs.set[0].bytes ||
		view->dump->run->be->thread_to_image(view->dump->arena,
			&thread->regs, &view->core, ERR_UNREAD) ||
		!machine_pc_sp(&view->core, &source.pc, &source.sp))
		return;
	source.chain = machine_chain(&view->core);
	unwind_thread(unwinder, &source, &stack);
	log_info("thread %d of process %d stands at:", thread->tid,
		view->victim->pid);
	for (size_t i = 0; i < stack.frames.n && i < FRAMES_MAX; i++)
		frame_log(i, &stack.frames.at[i]);
	if (stack.note)
		log_info("  %s", stack.note);
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
		for (size_t i = 0; i < victim->threads.n && i < THREADS_MAX;
			i++)
			thread_log(&view, unwinder, victim->threads.at[i]);
		maps_close(&view);
	}
	memory_close(&view.memory);
}
