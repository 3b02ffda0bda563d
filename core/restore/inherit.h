/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inherit: files that we were started with take the place of files of the
 * images (--inherit-fd).
 *
 * Which file is meant is told by its key (kind.h). What was outside of the
 * tree when it was dumped must be given; all else may be.
 */
#ifndef STASIS_RESTORE_INHERIT_H
#define STASIS_RESTORE_INHERIT_H

#include "model/restore.h"
#include "plan/plan.h"

/* Sets object->given where one is. ENOKEY: something that must be given was
 * not; EBADF: an fd that was not inherited, or is open for something else. */
int inherit_look(struct restore *restore, struct err *err);

/* In place of the kind's make. A pipe or FIFO is opened again, for flags as
 * in the image that are nobody else's; of all else it is the same file. */
int inherit_open(const struct object *object, int *ret_fd, struct err *err);

#endif
