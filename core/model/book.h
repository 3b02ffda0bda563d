/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * book: what kinds remember from one object to the next.
 *
 * A table from (who asks, two numbers) to a pointer of the asker's own, e.g.
 * ("ghost", device, inode). It grows as it is asked and lives in the arena.
 */
#ifndef STASIS_MODEL_BOOK_H
#define STASIS_MODEL_BOOK_H

#include <stdint.h>

#include "base/arena.h"

struct book;

/* The place for that pointer, NULL in it at first; it never moves. *book is
 * made at the first call. who is compared as text. */
void **book_slot(struct arena *arena, struct book **book, const char *who,
	uint64_t a, uint64_t b);

/* A book with the same pages, to which others are added that only it has. */
struct book *book_copy(struct arena *arena, const struct book *book);

#endif
