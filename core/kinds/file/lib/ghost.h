/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ghost: regular files, folders and symbolic links that are open though no name
 * leads to them any more.
 *
 * Their content goes into the image, once for each file however often it is
 * open. Bringing one back leaves nothing behind: its name is gone again before
 * its content is written. It gets its old name for that moment where that is
 * free, since it is what /proc shows of a deleted file.
 */
#ifndef STASIS_KINDS_FILE_LIB_GHOST_H
#define STASIS_KINDS_FILE_LIB_GHOST_H

#include "model/dump.h"
#include "model/restore.h"
#include "model/sighting.h"

/* id: of the file entry that stands for this opening of it. */
int ghost_capture(struct dump *dump, const struct sighting *sighting,
	uint32_t id, struct err *err);

/* The ghost that a file entry opens; 0: none, its name leads to it. */
int ghost_find(struct restore *restore, uint32_t id, uint32_t *ret_ghost,
	struct err *err);

/* A new file description of it. */
int ghost_open(struct restore *restore, const RegFileEntry *reg, uint32_t ghost,
	int flags, int *ret_fd, struct err *err);

#endif
