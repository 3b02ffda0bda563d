/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tags: the memory tags of another process.
 *
 * Where a machine has them (the backend's tag_granule is not 0), each granule
 * of memory mapped for it has a small number, which pointers to it must have,
 * too. Here it is one byte a granule. Both want the thread stopped by us, and
 * regard no page protection. All of a range or an error that names it.
 */
#ifndef STASIS_KERNEL_TAGS_H
#define STASIS_KERNEL_TAGS_H

#include <sys/types.h>

#include "backend.h"

/* Of the n granules from at on. */
int tags_read(const struct backend *be, pid_t tid, uint64_t at, uint8_t *ret,
	size_t n, struct err *err);
int tags_write(const struct backend *be, pid_t tid, uint64_t at,
	const uint8_t *tags, size_t n, struct err *err);

#endif
