/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sighting: something that was seen in a victim and that some kind may claim.
 *
 * For files there are two sorts: an open file description found in an fd
 * table (fd_number >= 0; fd is our own duplicate of it, by pidfd_getfd), and
 * a path: exe, cwd, root or a mapped file (fd_number -1; fd is an O_PATH
 * handle). For task and thread kinds only victim, thread, answer are set.
 */
#ifndef STASIS_MODEL_SIGHTING_H
#define STASIS_MODEL_SIGHTING_H

#include <sys/stat.h>

#include "kernel/fdinfo.h"
#include "model/victim.h"

struct sighting {
	const struct victim *victim;
	const struct victim_thread *thread;
	const struct answer *answer;

	int fd_number;
	int fd;
	struct stat stat;
	uint32_t fs_type;      /* its file system's f_type; 0: it is of none */
	const char *link;      /* below /proc/PID: "fd/7", "map_files/..." */
	const char *target;    /* what readlink says: "pipe:[42]", "/tmp/x" */
	struct fdinfo info;    /* zero for a path */
	const struct map *map; /* of a mapping; NULL: it is none */
	const char *where;     /* "fd 7", "exe", "mapping 7f00-7f10": errors */
};

#endif
