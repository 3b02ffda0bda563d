/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * procfs: which files of /proc are about one process.
 *
 * What such a file shows, and what can be done through it, depends on who
 * opened it: "self" is the opener, and his own mem opens for everybody. To
 * hand one over is to hand over a part of oneself.
 */
#ifndef STASIS_KERNEL_PROCFS_H
#define STASIS_KERNEL_PROCFS_H

#include <stdbool.h>

/* Is fd (O_PATH will do) a file or folder below the folder of a process, in
 * any mount of procfs? Also said of one whose place in procfs cannot be told,
 * as in a mount of a part of it. Does not block. */
bool procfs_is_of_process(int fd);

#endif
