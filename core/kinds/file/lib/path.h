/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path: files that are found by name: what the image says of one, and how it
 * is opened again. A part of the kinds of files that have names.
 *
 * A name is only stored when it leads to the very file; a file without any
 * name is stored whole (ghost.h). On the way back size, mode and build id
 * must be what they were, for a program would not expect otherwise; but a log,
 * open for appending alone, has no size.
 */
#ifndef STASIS_KINDS_FILE_LIB_PATH_H
#define STASIS_KINDS_FILE_LIB_PATH_H

#include "model/dump.h"
#include "model/restore.h"
#include "model/sighting.h"

/* Does the target look like a path, not like the name of something that the
 * kernel keeps inside: "pipe:[1]", "/memfd:x (deleted)"? */
bool path_is_named(const struct sighting *sighting);

/* Will somebody outside of the tree give it back? */
bool path_is_outside(const RegFileEntry *reg);

/* id: of the file entry that it becomes. */
int path_capture(struct dump *dump, const struct sighting *sighting,
	uint32_t id, RegFileEntry **ret, struct err *err);

/* The file that is to be opened, as an O_PATH fd, when it is what the image
 * says of it. Nothing is opened before that: opening waits (FIFOs), or does
 * something (devices). */
int path_find(struct restore *restore, const RegFileEntry *reg, int *ret_fd,
	struct err *err);

/* What was found, opened. flags: O_PATH or as the file is to have them. */
int path_open_found(struct restore *restore, const RegFileEntry *reg, int found,
	int flags, int *ret_fd, struct err *err);

/* A new file description, at its position; flags are added to the image's. */
int path_open(struct restore *restore, const RegFileEntry *reg, int flags,
	int *ret_fd, struct err *err);

/* The same of a file of /proc about the calling process itself, at its start:
 * what it holds changes until the process is what it was. */
int path_open_own(struct restore *restore, const RegFileEntry *reg, int *ret_fd,
	struct err *err);

/* What is asked for of the kernel: not what open(2) does once, nor what tells
 * a task by fd number (O_ASYNC). */
int path_flags(const RegFileEntry *reg);

/* Does the name lead to what was sighted? */
bool path_leads(const char *name, const struct sighting *sighting);

/* Takes " (deleted)" from the end of a link's target; false: it is not there.
 */
bool path_strip_deleted(char *name);

/* What a file is that looks like a regular one and cannot be opened again by
 * its name: "a POSIX message queue". NULL: it can. */
const char *path_is_special(const struct sighting *sighting);

#endif
