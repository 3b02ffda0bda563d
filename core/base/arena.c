/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Shared chunks cost what is used of them, but each is one mapping more for
 * every fork to copy: few and big. */
enum { CHUNK_SIZE = 64 << 10, CHUNK_SHARED = 16 << 20, ALIGNMENT = 16 };

struct chunk {
	struct chunk *next;
	size_t used, size;
	bool clean; /* what is not used is zero */
	_Alignas(ALIGNMENT) char bytes[];
};

struct memo {
	struct memo *next;
	const void *key;
	void *value;
};

struct arena {
	struct chunk *head;
	struct memo *memos;
	struct arena *above;
	bool shared;
	struct chunk *reserve, *for_ends; /* of one that is above */
	struct arena_end *ends;
	size_t failed;
	uint64_t fail_in; /* pieces until one fails; 0: none does */
	bool fail_all;
};

static void out_of_memory(size_t size) __attribute__((noreturn));
static void out_of_memory(size_t size)
{
	fprintf(stderr, "stasis: out of memory (%zu bytes)\n", size);
	abort();
}

struct arena *arena_new(void)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (!arena)
		out_of_memory(sizeof(*arena));
	return arena;
}

struct arena *arena_new_below(struct arena *above)
{
	struct arena *arena = arena_new1(above, struct arena);

	arena->above = above->above ?: above;
	return arena;
}

struct arena *arena_new_shared(struct arena *above)
{
	struct arena *arena = above ? arena_new_below(above) : arena_new();

	arena->shared = true;
	return arena;
}

static void chunks_free(struct chunk *chunk, bool shared)
{
	struct chunk *next;

	for (; chunk; chunk = next) {
		next = chunk->next;
		if (shared)
			munmap(chunk, sizeof(*chunk) + chunk->size);
		else
			free(chunk);
	}
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	chunks_free(arena->head, arena->shared);
	chunks_free(arena->reserve, false);
	chunks_free(arena->for_ends, false);
	if (!arena->above)
		free(arena);
}

void arena_freep(struct arena **arena)
{
	arena_free(*arena);
}

/* Of small chunks each piece is zeroed when it is given out: most is never
 * used, and must not be touched, let alone in a process just forked. */
static struct chunk *chunk_new(bool shared, size_t room)
{
	size_t size = sizeof(struct chunk) + room;
	bool big = room > CHUNK_SIZE;
	void *memory;

	if (size < room)
		return NULL;
	if (shared)
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	else
		memory = big ? calloc(1, size) : malloc(size);
	if (!memory || memory == MAP_FAILED)
		return NULL;
	*(struct chunk *)memory =
		(struct chunk){.size = room, .clean = shared || big};
	return memory;
}

/* Pieces of the old one may be in use. */
static int chunk_reserve(struct chunk **reserve, size_t size)
{
	struct chunk *chunk;

	if (*reserve && (*reserve)->size - (*reserve)->used >= size)
		return 0;
	chunk = chunk_new(false, size);
	if (!chunk)
		return -ENOMEM;
	chunk->next = *reserve;
	*reserve = chunk;
	return 0;
}

int arena_reserve(struct arena *arena, size_t size, size_t for_ends)
{
	return chunk_reserve(&arena->reserve, size)
		       ?: chunk_reserve(&arena->for_ends, for_ends);
}

size_t arena_failed(const struct arena *arena)
{
	return arena->failed;
}

void arena_end_push(struct arena *arena, struct arena_end *end)
{
	end->pid = getpid();
	end->next = arena->ends;
	arena->ends = end;
}

void arena_end_pop(struct arena *arena, struct arena_end *end)
{
	arena->ends = end->next;
}

void arena_fail_at(struct arena *arena, uint64_t n, bool all)
{
	arena->fail_in = n;
	arena->fail_all = all;
}

/* --- when there is no more ---------------------------------------------- */

static void *chunk_take(struct chunk *chunk, size_t size)
{
	void *piece;

	if (!chunk || chunk->size - chunk->used < size)
		return NULL;
	piece = chunk->bytes + chunk->used;
	chunk->used += size;
	return chunk->clean ? piece : memset(piece, 0, size);
}

/* Each is asked once, whatever happens while it undoes. */
static void arena_end_all(struct arena *arena, size_t size)
	__attribute__((noreturn));
static void arena_end_all(struct arena *arena, size_t size)
{
	struct arena_end *end;

	/* It is never freed: pieces of what was the reserve are in use. */
	arena->reserve = arena->for_ends;
	arena->for_ends = NULL;
	arena->fail_all = false;
	while ((end = arena->ends) != NULL) {
		arena->ends = end->next;
		if (end->pid == getpid())
			end->undo(end->of);
	}
	out_of_memory(size);
}

static void *piece_reserved(struct arena *arena, size_t size)
{
	struct arena *top = arena->above ?: arena;
	void *piece = top->fail_all ? NULL : chunk_take(top->reserve, size);

	if (!top->failed)
		top->failed = size;
	if (!piece)
		arena_end_all(top, size);
	return piece;
}

/* Is it the piece that shall fail, or one after it? */
static bool piece_fails(struct arena *arena)
{
	struct arena *top = arena->above ?: arena;

	if (top->fail_in > 1) {
		top->fail_in--;
		return false;
	}
	return top->fail_in == 1;
}

/* --- pieces -------------------------------------------------------------- */

static struct chunk *chunk_add(struct arena *arena, size_t size)
{
	size_t usual = arena->shared ? CHUNK_SHARED - sizeof(struct chunk)
				     : CHUNK_SIZE;
	size_t room = size > usual / 4 ? size : usual;
	struct chunk *chunk = chunk_new(arena->shared, room);

	if (!chunk)
		return NULL;
	if (arena->head && room != usual) {
		chunk->next = arena->head->next;
		arena->head->next = chunk;
	} else {
		chunk->next = arena->head;
		arena->head = chunk;
	}
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	size_t room = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	void *piece = NULL;

	if (room < size)
		room = SIZE_MAX;
	else if (!piece_fails(arena))
		piece = chunk_take(arena->head, room)
				?: chunk_take(chunk_add(arena, room), room);
	return piece ?: piece_reserved(arena, room);
}

void *arena_copy(struct arena *arena, const void *from, size_t size)
{
	void *copy = arena_alloc(arena, size);

	if (size)
		memcpy(copy, from, size);
	return copy;
}

void *arena_grow(
	struct arena *arena, const void *old, size_t old_size, size_t new_size)
{
	void *grown = arena_alloc(arena, new_size);

	if (old_size)
		memcpy(grown, old, old_size);
	return grown;
}

void **arena_memo(struct arena *arena, const void *key)
{
	struct memo *memo = arena->memos;

	while (memo && memo->key != key)
		memo = memo->next;
	if (!memo) {
		memo = arena_alloc(arena, sizeof(*memo));
		memo->key = key;
		memo->next = arena->memos;
		arena->memos = memo;
	}
	return &memo->value;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_copy(arena, text, strlen(text) + 1);
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap, again;
	char *text;
	int length;

	va_start(ap, fmt);
	va_copy(again, ap);
	length = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	text = arena_alloc(arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, fmt, again);
	va_end(again);
	return text;
}
