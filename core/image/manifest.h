/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * manifest: stasis.img, the list of all files of a directory with their
 * sizes and digests.
 *
 * The record is followed by its own digest (8 bytes, little-endian), so that
 * damage to the manifest itself is seen. Names in it are plain file names.
 */
#ifndef STASIS_IMAGE_MANIFEST_H
#define STASIS_IMAGE_MANIFEST_H

#include <sys/stat.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "image/set.h"

enum { MANIFEST_VERSION = 1 };

/* Which file it was and how it was. What writes to it changes its ctime. */
struct image_mark {
	dev_t dev;
	ino_t ino;
	uint64_t size;
	struct timespec modified, changed;
};

struct image_mark image_mark(const struct stat *st);
bool image_mark_is(const struct image_mark *mark, const struct stat *st);

/* A file as it was when it was verified. */
struct verified {
	void *bytes; /* NULL: too many to keep */
	struct image_mark mark;
};

/* *ret_manifest is NULL if the directory has none. A link that leads nowhere
 * is not the absence of one. */
int manifest_load(struct arena *arena, int dir, StasisManifest **ret_manifest,
	struct err *err);

/* Every listed file exists with its size and digest. Big sets are read by
 * a few threads, which are gone on return. ret is an array of as many as there
 * are files; of small ones it has the very bytes. small: of big pages files
 * only the size is looked at. */
int manifest_verify(struct arena *arena, int dir,
	const StasisManifest *manifest, bool small, struct verified *ret,
	struct err *err);

/* What the manifest says about the finished files of a set. */
void manifest_describe(struct image_set *set, const struct image_facts *facts,
	StasisManifest *ret_manifest);

/* The bytes of stasis.img. */
int manifest_pack(struct arena *arena, const StasisManifest *manifest,
	void **ret_bytes, size_t *ret_size);

#endif
