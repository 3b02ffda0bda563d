/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attributes: the extended ones (xattr(7)) of files that are stored whole.
 *
 * Those of users and of root, access lists and capabilities. Labels of
 * security modules are of the host that makes the file.
 */
#ifndef STASIS_KINDS_FILE_LIB_ATTRIBUTES_H
#define STASIS_KINDS_FILE_LIB_ATTRIBUTES_H

#include "base/arena.h"
#include "base/err.h"
#include "proto/owner.pb-c.h"

/* fd may be a mere path. A file system without any has none. */
int attributes_capture(struct arena *arena, int fd, StasisAttribute ***ret,
	size_t *ret_n, struct err *err);

/* After owner and permissions, which change some of them. */
int attributes_restore(
	int fd, StasisAttribute *const *attributes, size_t n, struct err *err);

#endif
