/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/book.h"

#include <string.h>

enum { BUCKETS = 4096 };

struct page {
	struct page *next; /* of the same bucket */
	const char *who;
	uint64_t a, b;
	void *slot;
};

struct book {
	struct page *bucket[BUCKETS];
};

static struct page **bucket_of(struct book *book, uint64_t a, uint64_t b)
{
	uint64_t key = a * 0x9e3779b97f4a7c15ull;

	key ^= (b + 1) * 0xff51afd7ed558ccdull;
	return &book->bucket[(key >> 40) % BUCKETS];
}

void **book_slot(struct arena *arena, struct book **book, const char *who,
	uint64_t a, uint64_t b)
{
	struct page **bucket, *page;

	if (!*book)
		*book = arena_new1(arena, struct book);
	bucket = bucket_of(*book, a, b);
	for (page = *bucket; page; page = page->next)
		if (page->a == a && page->b == b && strcmp(page->who, who) == 0)
			return &page->slot;
	page = arena_new1(arena, struct page);
	*page = (struct page){*bucket, who, a, b, NULL};
	*bucket = page;
	return &page->slot;
}

struct book *book_copy(struct arena *arena, const struct book *book)
{
	return book ? arena_copy(arena, book, sizeof(*book)) : NULL;
}
