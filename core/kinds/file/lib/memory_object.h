/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_object: memory that several mappings, tasks or fds see (memfds,
 * shared anonymous memory): told once while dumping, made once at restore.
 */
#ifndef STASIS_KINDS_FILE_LIB_MEMORY_OBJECT_H
#define STASIS_KINDS_FILE_LIB_MEMORY_OBJECT_H

#include "model/dump.h"
#include "model/restore.h"
#include "proto/memfd.pb-c.h"

/* One whose contents must be stored, as pagemap-shmem-<shmid>. It is opened
 * again where it was seen, when it is stored: in a dump no fd is kept for it.
 */
struct memory_object {
	uint32_t shmid;
	const char *path; /* below /proc, of one who has it */
	dev_t dev;
	ino_t ino;
	uint64_t size; /* in bytes */
	int held;      /* open already; -1: it is opened by its path */
};

struct memory_objects {
	VEC(struct memory_object *) list;
	struct index by_shmid;
};

/* To be called once for each, when its first file is captured. */
void memory_object_tell(struct dump *dump, const struct sighting *sighting,
	uint32_t *ret_shmid);

/* An open fd (restore's; dup it) of a memory object of the images, made and
 * filled from its pages at the first call. */
int memory_object_open(struct restore *restore, const MemfdInodeEntry *inode,
	int *ret_fd, struct err *err);

/* All that has been made of them: only those that are to be sealed stay. */
int memory_shelf_clear(struct restore *restore, struct err *err);

/* The seals that come when every task has mapped what it had. */
int memory_shelf_seal(struct restore *restore, struct err *err);

/* The objects live on in the files that were opened of them. */
void memory_shelf_close(struct restore *restore);

#endif
