/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpuinfo: what a host's CPU can do, as a file beside the images, and
 * whether another host's processes can go on there.
 *
 * The file is cpuinfo.img of the image format; on aarch64, for which the
 * format has nothing, it holds a message of our own. Reading takes files of
 * every machine on every machine. A verdict (ENOTSUP) names features.
 */
#ifndef STASIS_CPUINFO_CPUINFO_H
#define STASIS_CPUINFO_CPUINFO_H

#include "backend.h"
#include "image/set.h"

/* Of this host; to a directory, by rename. EEXIST where a finished dump has
 * sealed its own. */
int cpuinfo_write(struct arena *arena, int dir, struct err *err);
/* The same, to a set that is being written. */
int cpuinfo_append(struct arena *arena, struct image_set *set, struct err *err);
/* The model of this host's CPU for people, NULL if nobody knows. */
const char *cpuinfo_model(struct arena *arena);

/* From a file below dir (or AT_FDCWD): one record, of a machine that there
 * is a backend for, with all that this machine's message needs. */
int cpuinfo_read(struct arena *arena, int dir, const char *path,
	const CpuinfoEntry **ret, struct err *err);

/* Can the processes of the host whose cpuinfo.img is in dir go on here?
 * cap: bits of CPU_CAP_*. ret_image, ret_here: both hosts' CPUs for people,
 * may be NULL. */
int cpuinfo_check(struct arena *arena, int dir, uint32_t cap,
	const char **ret_image, const char **ret_here, struct err *err);

#endif
