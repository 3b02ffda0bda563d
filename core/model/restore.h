/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * restore: what a kind's make may use of the restore that goes on.
 */
#ifndef STASIS_MODEL_RESTORE_H
#define STASIS_MODEL_RESTORE_H

#include <sys/resource.h>

#include "base/index.h"
#include "image/set.h"
#include "model/book.h"
#include "model/object.h"
#include "model/run.h"
#include "model/tree.h"
#include "proto/inventory.pb-c.h"

struct restore {
	struct run *run;
	struct arena *arena; /* the run's */
	struct image_set *images;
	const InventoryEntry *inventory;
	const struct backend *be; /* of the images; the host's unless --plan */
	uint64_t page_size;	  /* of the images */
	struct tree tree;
	struct objects objects;
	struct index cg_sets; /* CgSetEntry by id; none: they are not wanted */
	int root;	      /* O_PATH: where absolute paths of images begin */
	int lazy; /* connection to a lazy-pages daemon; -1: none is wanted */
	struct memory_shelf *memory; /* kinds/file/lib/memory_object.c */
	struct book *book;	     /* what file kinds remember, book.h */
	struct inherited *inherited; /* one for each of the options */
	int keep_from, keep_n;	     /* numbers for restore_keep; 0: any */
	int park_from;		     /* above all that the plan has used */
	struct rlimit files_limit;   /* of open files, before it was raised */
	bool files_raised;
};

/* Open a path of the image below the restore's root, through no magic link.
 * Where we may do more than the files' owners (user 0), symbolic links count
 * only if user 0 made them: images hold none, and the way to a file must not
 * be bent by whom it passes since. Otherwise -ELOOP. Returns an O_CLOEXEC fd
 * or -errno. */
int restore_open(const struct restore *restore, const char *path, int flags,
	unsigned mode);

/* What a make leaves open for the next one goes where no task and nobody else
 * wants a number. *fd is closed and changed. */
int restore_keep(const struct restore *restore, int *fd, struct err *err);

#endif
