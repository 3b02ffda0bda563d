/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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
	bool shared;
};

static void *memory_or_abort(void *memory, size_t size)
{
	if (!memory || memory == MAP_FAILED) {
		fprintf(stderr, "stasis: out of memory (%zu bytes)\n", size);
		abort();
	}
	return memory;
}

static struct arena *arena_make(bool shared)
{
	struct arena *arena = memory_or_abort(
		calloc(1, sizeof(struct arena)), sizeof(struct arena));

	arena->shared = shared;
	return arena;
}

struct arena *arena_new(void)
{
	return arena_make(false);
}

struct arena *arena_new_shared(void)
{
	return arena_make(true);
}

void arena_free(struct arena *arena)
{
	struct chunk *chunk, *next;

	if (!arena)
		return;
	for (chunk = arena->head; chunk; chunk = next) {
		next = chunk->next;
		if (arena->shared)
			munmap(chunk, sizeof(*chunk) + chunk->size);
		else
			free(chunk);
	}
	free(arena);
}

void arena_freep(struct arena **arena)
{
	arena_free(*arena);
}

/* Of small chunks each piece is zeroed when it is given out: most is never
 * used, and must not be touched, let alone in a process just forked. */
static struct chunk *chunk_new(const struct arena *arena, size_t room)
{
	size_t size = sizeof(struct chunk) + room;
	struct chunk *chunk;
	void *memory;

	if (arena->shared)
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	else
		memory = room > CHUNK_SIZE ? calloc(1, size) : malloc(size);
	chunk = memory_or_abort(memory, size);
	*chunk = (struct chunk){
		.size = room, .clean = arena->shared || room > CHUNK_SIZE};
	return chunk;
}

static struct chunk *chunk_add(struct arena *arena, size_t size)
{
	size_t usual = arena->shared ? CHUNK_SHARED - sizeof(struct chunk)
				     : CHUNK_SIZE;
	size_t room = size > usual / 4 ? size : usual;
	struct chunk *chunk = chunk_new(arena, room);

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
	struct chunk *chunk = arena->head;
	void *piece;

	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (!chunk || chunk->size - chunk->used < size)
		chunk = chunk_add(arena, size);
	piece = chunk->bytes + chunk->used;
	chunk->used += size;
	return chunk->clean ? piece : memset(piece, 0, size);
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
