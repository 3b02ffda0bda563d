/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * path_again: could a restore open and map a file once more, by its name and
 * with our rights? What was opened before its permissions, attributes, mount
 * or use changed often cannot be had so again, and nobody must learn that when
 * the processes are dead. So the dump tries it.
 */
#ifndef STASIS_KINDS_PATH_AGAIN_H
#define STASIS_KINDS_PATH_AGAIN_H

#include "model/sighting.h"
#include "proto/files.pb-c.h"

/* -errno and why not. Nothing is opened that opening would change: FIFOs are
 * only asked about, and devices are the kind's business. *ret_fd is the opening
 * of it, the caller's; it stays as it is where there is none. */
int path_again_check(const struct sighting *sighting, const RegFileEntry *reg,
	int *ret_fd, struct err *err);

/* The same of its mapping, sighting->map. */
int path_map_check(const struct sighting *sighting, struct err *err);

#endif
