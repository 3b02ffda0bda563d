/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registry: every file object of a dump once, found again by identity.
 *
 * An open file description is told by device, inode and kcmp; a path (exe,
 * cwd, root, a mapped file) by device, inode and name. What is new gets the
 * next id, goes to the kind that claims it, and into files.img. What no kind
 * claims is refused in one sentence.
 */
#ifndef STASIS_DUMP_REGISTRY_H
#define STASIS_DUMP_REGISTRY_H

#include <sys/stat.h>

#include "model/dump.h"

struct registry_file {
	uint32_t id;
	FdTypes type;
};

/* Number fd of a victim. ret_cloexec: the flag of this number. */
int registry_fd(struct dump *dump, struct victim *victim, int fd,
	struct registry_file *ret, bool *ret_cloexec, struct err *err);

/* Of an fd of this process, which stays open: a file in flight. */
int registry_ours(struct dump *dump, int fd, uint32_t *ret_id, struct err *err);

/* A link below /proc/PID: "exe", "cwd", "root", "map_files/A-B". where names
 * it in errors; map: what is mapped there, or how it would have to be. */
int registry_path(struct dump *dump, struct victim *victim, const char *link,
	const char *where, const struct map *map, struct registry_file *ret,
	struct err *err);

#endif
