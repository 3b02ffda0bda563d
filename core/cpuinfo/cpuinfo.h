/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpuinfo: what a host's CPU can do, as a file beside the images or in their
 * manifest, and whether another host's processes can go on there.
 *
 * The file is cpuinfo.img of the image format; on aarch64, for which the
 * format has nothing, it holds a message of our own. The manifest has the
 * same message and what the format has no place for. Reading takes files of
 * every machine on every machine. A verdict (ENOTSUP) names features.
 */
#ifndef STASIS_CPUINFO_CPUINFO_H
#define STASIS_CPUINFO_CPUINFO_H

#include "backend.h"
#include "image/set.h"

/* Of this host; to a directory, by rename. EEXIST where a finished dump has
 * sealed its own. */
int cpuinfo_write(struct arena *arena, int dir, struct err *err);
/* All that is known of this host's CPU. */
int cpuinfo_describe(struct arena *arena, CpuinfoEntry **ret, struct err *err);
/* The format's part of it, to a set that is being written. */
int cpuinfo_append(
	struct image_set *set, const CpuinfoEntry *entry, struct err *err);

/* From a file below dir (or AT_FDCWD): one record, of a machine that there
 * is a backend for, with all that this machine's message needs. */
int cpuinfo_read(struct arena *arena, int dir, const char *path,
	const CpuinfoEntry **ret, struct err *err);

/* From a directory: of its cpuinfo.img, else of its manifest. */
int cpuinfo_read_dir(struct arena *arena, const char *path,
	const CpuinfoEntry **ret, struct err *err);

/* Can the processes of the host whose cpuinfo.img is in dir go on here?
 * cap: bits of CPU_CAP_*. ret_image, ret_here: both hosts' CPUs for people,
 * may be NULL. */
int cpuinfo_check(struct arena *arena, int dir, uint32_t cap,
	const char **ret_image, const char **ret_here, struct err *err);
/* The same for an entry of a manifest. */
int cpuinfo_compare(struct arena *arena, CpuinfoEntry *image, uint32_t cap,
	struct err *err);

#endif
