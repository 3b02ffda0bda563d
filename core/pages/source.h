/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source: the stored pages of one map, wherever they are: in an image set or
 * in those that it builds upon (the chain of its parents).
 *
 * The only reader of page contents. Pieces are sorted by address, do not
 * overlap, and each names a pages file and the offset of its bytes there. What
 * a set says to be in its PARENT has been looked up; a page that is nowhere is
 * an error. Pages that are LAZY and in no file are with whoever dumped them:
 * their piece has SOURCE_ELSEWHERE for a file.
 *
 * A source lives in the arena of its set and is valid as long as the set is
 * open; it holds no fd. vaddr is an address, or an offset in a shared object.
 */
#ifndef STASIS_PAGES_SOURCE_H
#define STASIS_PAGES_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "image/pages.h"

#define SOURCE_ELSEWHERE UINT32_MAX

struct source_piece {
	uint64_t vaddr, nr_pages;
	uint32_t flags;	 /* PAGES_PRESENT and PAGES_LAZY of where it is */
	uint32_t file;	 /* number in files, or SOURCE_ELSEWHERE */
	uint64_t offset; /* bytes, in the file */
};

/* Only files of which there is a piece. */
struct source_file {
	struct image_set *set; /* this set or one of its parents */
	uint32_t pages_id;
	unsigned depth; /* 0: this set, 1: its parent ... */
};

struct source {
	uint32_t page_size;
	struct source_piece *pieces;
	size_t n;
	struct source_file *files;
	size_t n_files;
	uint64_t stored; /* pages that are in files */
};

/* type is IMAGE_PAGEMAP or IMAGE_PAGEMAP_SHMEM; a map that is absent has no
 * pieces. EBADMSG: damage, or pages that are in none of the sets; what failed
 * in a parent says so. Parents are opened (and verified) when first needed. */
int source_load(struct image_set *set, enum image_type type, uint64_t id,
	uint32_t page_size, struct source *ret, struct err *err);

/* The first address behind a piece. */
static inline uint64_t source_piece_end(
	const struct source *source, const struct source_piece *piece)
{
	return piece->vaddr + piece->nr_pages * source->page_size;
}

/* Index of the first piece that ends behind an address, n: none does. */
size_t source_behind(const struct source *source, uint64_t vaddr);
/* The piece that holds an address, or NULL. */
const struct source_piece *source_piece_find(
	const struct source *source, uint64_t vaddr);

/* One of its files; the fd is the caller's. */
int source_file_open(const struct source *source, uint32_t file, int *ret_fd,
	struct err *err);
/* As people see it from the set: "parent/pages-1.img". */
const char *source_file_name(
	struct arena *arena, const struct source *source, uint32_t file);

/* Reads through fds that it opens when they are first needed. Not for threads.
 * The source is borrowed. */
struct source_reader {
	const struct source *source;
	int *fds; /* by file; -1: not open yet */
};

void source_reader_open(struct source_reader *ret, struct arena *arena,
	const struct source *of);
void source_reader_close(struct source_reader *reader);
#define _cleanup_source_reader_ __attribute__((cleanup(source_reader_close)))

/* The fd of a file stays the reader's. */
int source_reader_fd(struct source_reader *reader, uint32_t file, int *ret_fd,
	struct err *err);
/* How many bytes from vaddr on could be read, at most size; fewer where a page
 * is not stored, is elsewhere, or could not be read. */
size_t source_read(
	struct source_reader *reader, uint64_t vaddr, void *to, size_t size);

#endif
