/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read: from image files to the tree and its objects, everything checked.
 *
 * Nothing but the image directory is touched. What the images ask for and
 * this engine cannot do is refused here or by the plan, before anything is
 * made.
 */
#ifndef STASIS_RESTORE_READ_H
#define STASIS_RESTORE_READ_H

#include "model/restore.h"

/* Fills tree, objects and backend of the image. */
int read_images(struct restore *restore, struct err *err);

#endif
