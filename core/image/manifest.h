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

#include "base/arena.h"
#include "base/err.h"
#include "image/set.h"

enum { MANIFEST_VERSION = 1 };

/* *ret_manifest is NULL if the directory has none. */
int manifest_load(struct arena *arena, int dir, StasisManifest **ret_manifest,
	struct err *err);

/* Every listed file exists with its size and digest. Big sets are read by
 * a few threads, which are gone on return. In ret_kept, an array of as many as
 * there are files, are the very bytes of those that are small, or NULL. */
int manifest_verify(struct arena *arena, int dir,
	const StasisManifest *manifest, void **ret_kept, struct err *err);

/* What the manifest says about the finished files of a set. */
void manifest_describe(struct image_set *set, const struct image_facts *facts,
	StasisManifest *ret_manifest);

/* The bytes of stasis.img. */
int manifest_pack(struct arena *arena, const StasisManifest *manifest,
	void **ret_bytes, size_t *ret_size);

#endif
