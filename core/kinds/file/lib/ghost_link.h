/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ghost_link: symbolic links that are open (O_PATH | O_NOFOLLOW) though no
 * name leads to them any more.
 *
 * No link in /proc opens one again with these flags, so all openings of one
 * are duplicates of the one that was made while it had its name. They have no
 * position, nor anything else by which that could be seen.
 */
#ifndef STASIS_KINDS_FILE_LIB_GHOST_LINK_H
#define STASIS_KINDS_FILE_LIB_GHOST_LINK_H

#include "base/undo.h"
#include "proto/files.pb-c.h"
#include "proto/paths.pb-c.h"

/* Where an open one leads. 0 or -errno. */
int ghost_link_read(struct arena *arena, int fd, char **ret);

/* One more opening of what is open already; it must be a link. */
int ghost_link_open(int fd, const char *name, int *ret_fd, struct err *err);

/* A new one that has the name for a moment. */
int ghost_link_borrow(struct undo *undo, int dir, const char *base,
	const GhostFileEntry *entry, int *ret_fd, struct err *err);

#endif
