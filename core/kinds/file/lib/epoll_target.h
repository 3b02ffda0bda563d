/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * epoll_target: where a file is open now that an epoll set watches.
 *
 * The kernel knows a target by its file and the number that it was added
 * under. Since then the number may have been closed or given to another file,
 * while the file lives on under another one, or in another process.
 */
#ifndef STASIS_KINDS_FILE_LIB_EPOLL_TARGET_H
#define STASIS_KINDS_FILE_LIB_EPOLL_TARGET_H

#include "model/dump.h"
#include "model/sighting.h"

/* Number fd of a victim; the set's own task comes first. *ret_victim NULL: the
 * file is open in none of them. target: its index in the set's fdinfo; turn:
 * how many before it there were added under the same number. */
int epoll_target_find(struct dump *dump, const struct sighting *set,
	size_t target, unsigned turn, const struct victim **ret_victim,
	int *ret_fd, struct err *err);

#endif
