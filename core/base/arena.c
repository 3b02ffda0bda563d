/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SIZE = 64 * 1024, ALIGNMENT = 16 };

struct chunk {
	struct chunk *next;
	size_t used, size;
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
};

static void *memory_or_abort(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory) {
		fprintf(stderr, "stasis: out of memory (%zu bytes)\n", size);
		abort();
	}
	return memory;
}

struct arena *arena_new(void)
{
	return memory_or_abort(sizeof(struct arena));
}

void arena_free(struct arena *arena)
{
	struct chunk *chunk, *next;

	if (!arena)
		return;
	for (chunk = arena->head; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(arena);
}

void arena_freep(struct arena **arena)
{
	arena_free(*arena);
}

static struct chunk *chunk_add(struct arena *arena, size_t size)
{
	size_t room = size > CHUNK_SIZE / 4 ? size : CHUNK_SIZE;
	struct chunk *chunk = memory_or_abort(sizeof(*chunk) + room);

	chunk->size = room;
	if (arena->head && room != CHUNK_SIZE) {
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
	return piece;
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
