/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * describe: one line about an open file, whatever its kind, from the file
 * images.
 */
#ifndef STASIS_INSPECT_DESCRIBE_H
#define STASIS_INSPECT_DESCRIBE_H

#include <stddef.h>
#include <stdint.h>

#include "base/index.h"
#include "image/set.h"
#include "proto/files.pb-c.h"

struct description {
	const char *kind; /* "pipe", "tcp", ... */
	const char *text; /* path, addresses, ...; never NULL */
};

/* The images that tell about files, loaded once. */
struct file_book {
	struct arena *arena;
	const FileEntry **files; /* by id */
	size_t n;
	/* Messages by the number that files call them by; of packets, how many
	 * wait in a socket. */
	struct index pipe_data, fifo_data, packets, memfds, ttys, remaps;
};

int file_book_load(
	struct image_set *set, struct file_book *ret_book, struct err *err);
/* NULL: no such file. */
const FileEntry *file_book_find(const struct file_book *book, uint32_t id);
/* The path of a file with that id, NULL if it has none. */
const char *file_book_path(const struct file_book *book, uint32_t id);

/* Never fails: what is not known is said to be unknown. */
struct description file_describe(
	const struct file_book *book, const FdinfoEntry *fd);

#endif
