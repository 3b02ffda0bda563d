/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shared: memory objects that several mappings, tasks or fds see, made and
 * filled when the first file of one is made (restore_shared, model/restore.h).
 */
#ifndef STASIS_RESTORE_SHARED_H
#define STASIS_RESTORE_SHARED_H

#include "model/restore.h"

/* All that has been made of them: only those that are to be sealed stay. */
int shared_shelf_clear(struct restore *restore, struct err *err);

/* The seals that come when every task has mapped what it had. */
int shared_seal(struct restore *restore, struct err *err);

/* The objects live on in the files that were opened of them. */
void shared_shelf_close(struct restore *restore);

#endif
