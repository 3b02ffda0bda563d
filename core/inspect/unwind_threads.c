/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The child's answer: a head for each thread, then its frames; what the parent
 * knows is not in it, and what it says is checked. */
#include "inspect/unwind.h"

#include <errno.h>
#include <string.h>

#include "base/io.h"
#include "inspect/symbols.h"
#include "kernel/sandbox.h"

enum { TEXT_MAX = 1000, FRAMES_MOST = 256, NO_MAP = -1 };
/* A program's own symbols are the most of it. */
#define MEMORY_MAX (512ull << 20)

struct thread_head {
	uint32_t frames, note_size;
};

struct frame_head {
	uint64_t pc, sp, offset;
	int32_t map;
	uint32_t symbol_size;
};

struct work {
	struct unwinder *unwinder;
	const struct unwind_source *sources;
	size_t n;
};

/* --- in the child ----------------------------------------------------------
 */

static uint32_t text_size(const char *text)
{
	return text ? (uint32_t)strnlen(text, TEXT_MAX) : 0;
}

static void frame_write(const struct unwind_source *source,
	const struct unwind_frame *frame, int out)
{
	struct frame_head head = {.pc = frame->pc,
		.sp = frame->sp,
		.offset = frame->offset,
		.map = frame->map ? (int32_t)(frame->map - source->maps)
				  : NO_MAP,
		.symbol_size = text_size(frame->symbol)};

	io_write_all(out, &head, sizeof(head));
	io_write_all(out, frame->symbol, head.symbol_size);
}

static void stack_write(const struct unwind_source *source,
	const struct unwind_stack *stack, int out)
{
	struct thread_head head = {.frames = (uint32_t)stack->frames.n,
		.note_size = text_size(stack->note)};

	io_write_all(out, &head, sizeof(head));
	io_write_all(out, stack->note, head.note_size);
	for (size_t i = 0; i < stack->frames.n; i++)
		frame_write(source, &stack->frames.at[i], out);
}

/* Is the file still the one that was mapped? Maps of one file follow each
 * other but for few. */
static void maps_verify(struct unwind_map *maps, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (maps[i].fd < 0 || !maps[i].build_id_size)
			continue;
		if (i && maps[i - 1].object == maps[i].object)
			maps[i].fd = maps[i - 1].fd;
		else if (!symbols_build_id_is(maps[i].fd, maps[i].build_id,
				 maps[i].build_id_size))
			maps[i].fd = -1;
	}
}

static void work_do(void *of, struct arena *arena, int out)
{
	const struct work *work = of;
	struct unwind_stack stack;

	unwinder_move(work->unwinder, arena);
	maps_verify(work->sources[0].maps, work->sources[0].n_maps);
	for (size_t i = 0; i < work->n; i++) {
		unwind_thread(work->unwinder, &work->sources[i], &stack);
		stack_write(&work->sources[i], &stack, out);
	}
}

/* --- in the parent ---------------------------------------------------------
 */

struct reader {
	struct arena *arena;
	const char *at;
	size_t left;
};

static bool bytes_take(struct reader *reader, void *to, size_t size)
{
	if (size > reader->left)
		return false;
	memcpy(to, reader->at, size);
	reader->at += size;
	reader->left -= size;
	return true;
}

static bool text_take(struct reader *reader, uint32_t size, const char **ret)
{
	char *text;

	*ret = NULL;
	if (size > TEXT_MAX || size > reader->left)
		return false;
	if (!size)
		return true;
	text = arena_alloc(reader->arena, size + 1);
	*ret = text;
	return bytes_take(reader, text, size);
}

static bool frame_take(struct reader *reader,
	const struct unwind_source *source, struct unwind_stack *stack)
{
	struct frame_head head;
	struct unwind_frame frame = {0};

	if (!bytes_take(reader, &head, sizeof(head)) ||
		!text_take(reader, head.symbol_size, &frame.symbol))
		return false;
	if (head.map >= 0 && (size_t)head.map < source->n_maps)
		frame.map = &source->maps[head.map];
	frame.file = frame.map ? frame.map->name : NULL;
	frame.pc = head.pc;
	frame.sp = head.sp;
	frame.offset = head.offset;
	*vec_push(reader->arena, &stack->frames) = frame;
	return true;
}

static bool stack_take(struct reader *reader,
	const struct unwind_source *source, struct unwind_stack *stack)
{
	struct thread_head head;
	bool good = bytes_take(reader, &head, sizeof(head)) &&
		    head.frames <= FRAMES_MOST &&
		    text_take(reader, head.note_size, &stack->note);

	for (uint32_t i = 0; good && i < head.frames; i++)
		good = frame_take(reader, source, stack);
	return good;
}

/* Where it stands is known without anybody's help. */
static void stack_begin(struct arena *arena, const struct unwind_source *source,
	const char *why, struct unwind_stack *stack)
{
	if (!stack->frames.n)
		*vec_push(arena, &stack->frames) = (struct unwind_frame){
			.pc = source->pc, .sp = source->sp};
	stack->note = arena_printf(arena, "looking further: %s", why);
}

struct fds {
	int *at;
	size_t n;
};

/* What the child reads: the sources' own files, and those of the maps, which
 * are the same for all. */
static struct fds fds_of(
	struct arena *arena, const struct unwind_source *sources, size_t n)
{
	const struct unwind_source *first = &sources[0];
	struct fds fds = {.n = 0};
	size_t room = first->n_maps + 1;

	for (size_t i = 0; i < n; i++)
		room += sources[i].n_fds;
	fds.at = arena_newn(arena, int, room);
	for (size_t i = 0; i < first->n_maps; i++)
		fds.at[fds.n++] = first->maps[i].fd;
	for (size_t i = 0; i < n; i++) {
		/* Threads of one process read from the same. */
		if (i && sources[i].fds == sources[i - 1].fds)
			continue;
		for (size_t k = 0; k < sources[i].n_fds; k++)
			fds.at[fds.n++] = sources[i].fds[k];
	}
	return fds;
}

int unwind_threads(struct arena *arena, struct unwinder *unwinder,
	const struct unwind_source *sources, size_t n, int limit_ms,
	struct unwind_stack *ret_stacks, struct err *err)
{
	struct work work = {unwinder, sources, n};
	struct sandbox sandbox = {.work = work_do,
		.of = &work,
		.limit_ms = limit_ms,
		.memory = MEMORY_MAX,
		.answer_max = n * FRAMES_MOST * (TEXT_MAX / 2)};
	struct reader reader = {.arena = arena};
	struct fds fds;
	bool good = true;
	char *answer;
	int code;

	if (!n)
		return 0;
	fds = fds_of(arena, sources, n);
	sandbox.fds = fds.at;
	sandbox.n_fds = fds.n;
	code = sandbox_run(arena, &sandbox, &answer, &reader.left, err);
	reader.at = answer;
	for (size_t i = 0; i < n; i++) {
		ret_stacks[i] = (struct unwind_stack){0};
		good = good && stack_take(&reader, &sources[i], &ret_stacks[i]);
		if (!good)
			stack_begin(arena, &sources[i],
				code ? err->text : "its answer is damaged",
				&ret_stacks[i]);
	}
	return code;
}
