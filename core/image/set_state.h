/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * set_state: what an image set knows, for the files of core/image only.
 *
 * A written file is in `bytes` up to one digest chunk; full chunks are
 * hashed and go to the hidden directory at once. Buffers are from malloc,
 * all else is from the arena.
 */
#ifndef STASIS_IMAGE_SET_STATE_H
#define STASIS_IMAGE_SET_STATE_H

#include <dirent.h>

#include "base/vec.h"
#include "base/place.h"
#include "image/manifest.h"
#include "image/set.h"

struct image_file {
	enum image_type type;
	uint64_t id;
	size_t records;
	bool on_disk;  /* it has a name in the hidden directory */
	bool by_fd;    /* somebody writes to its fd */
	bool finished; /* size and digest are final */
	bool streamed; /* its bytes are in the stream already */
	bool dropped;  /* image_remove */
	char *bytes;
	size_t used, room;
	uint64_t size;
	uint64_t digest;
	VEC(uint64_t) chunks;
};

/* What the manifest lists. */
struct image_listed {
	StasisFile *file;
	struct verified verified;
};

struct image_span {
	void *at;
	size_t size;
};

struct image_set {
	struct arena *arena;
	int dir;
	bool writing;

	/* writing */
	struct stream *stream; /* where to; NULL: into dir */
	int temp;	       /* the hidden directory, or -1 */
	char temp_name[PLACE_NAME];
	const char *parent;
	VEC(struct image_file *) files;
	uint32_t *slots; /* hash of (type, id): index into files, plus 1 */
	size_t n_slots;

	/* reading */
	StasisManifest *manifest;
	struct image_listed *listed;  /* sorted by name */
	VEC(struct image_span) spans; /* mapped files */
	struct image_set *parent_set; /* once it was asked for */
	uint64_t spare;		      /* of its readers (image/budget.h) */
	struct image_source *source;  /* where files come from; NULL: dir */
	bool small;		      /* big pages files are not verified */
};

/* A set with nothing in it but its directory. */
int image_set_new(struct arena *arena, int dir_fd, struct image_set **ret_set,
	struct err *err);

/* Lists a directory from its start without moving dir's own place; NULL and
 * errno if it cannot be. */
DIR *image_dir_list(int dir);
void image_dir_closep(DIR **dir);
/* Removes the files in it. */
void image_folder_empty(int folder);
#define _cleanup_dir_ __attribute__((cleanup(image_dir_closep)))

/* The file that is being written, NULL if there is none. */
struct image_file *image_file_find(
	const struct image_set *set, enum image_type type, uint64_t id);

/* Make the hidden directory, if it is not there yet. */
int image_file_temp(struct image_set *set, struct err *err);

/* What is left in memory goes to the hidden directory; size and digest are
 * final then. */
int image_file_finish(
	struct image_set *set, struct image_file *file, struct err *err);

/* Files that a source (image/source.c) has are brought when they are first
 * asked for. */
int image_file_bring(
	const struct image_set *set, const char *name, struct err *err);
/* All but what makes the set whole goes out; see image_set_stream_end. */
int image_files_stream(struct image_set *set, struct err *err);

#endif
