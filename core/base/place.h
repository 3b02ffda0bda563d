/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * place: files in directories that others can write to.
 *
 * There no name means anything from one moment to the next: what it leads to
 * may be a link, a FIFO or another user's file, planted before or swapped in
 * since. So a new file is new (O_EXCL), a name is followed by no link but
 * root's and our own, what was opened is looked at, and only its fd is used
 * from then on.
 *
 * Functions return an O_CLOEXEC fd or 0, or -errno; nothing blocks.
 */
#ifndef STASIS_BASE_PLACE_H
#define STASIS_BASE_PLACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* openat2(2) of a path that symbolic links may be a part of only if user 0 or
 * we ourselves made them; -ELOOP if somebody else did. resolve: RESOLVE_*;
 * a magic link may be the last name unless RESOLVE_NO_MAGICLINKS is there. */
int place_open(
	int dir, const char *path, int flags, mode_t mode, uint64_t resolve);

/* The folder that a path below dir is in, as O_PATH, and the last name, which
 * may be anything. *ret_name is a part of path. */
int place_open_folder(int dir, const char *path, const char **ret_name);

/* Can others than root and us put names into it? Yes, if it cannot be seen. */
bool place_is_foreign(int folder);

/* A file to append to: new, or one that was there and is ours. In a folder
 * that nobody else can write to it may be whatever it is (a terminal, another
 * user's). err says what is wrong with it. place_create empties it. */
int place_append(
	int dir, const char *path, mode_t mode, int *ret_fd, struct err *err);
int place_create(
	int dir, const char *path, mode_t mode, int *ret_fd, struct err *err);

/* May the name be taken away, or given to `ours` (an fd of a file that we have
 * made there)? In a folder that others can write to only if it is a file of the
 * same owner, or none: EPERM says what is wrong with it. Who swaps it in the
 * meantime loses what he could have removed himself: where he could not (a
 * sticky folder) he cannot swap it either, unless it is his own. */
int place_check_name(int folder, const char *name, int ours, struct err *err);

enum { PLACE_NAME = 17 };

/* A new file, or a new directory, under a hidden name that was made up. What
 * came into being, and not what took its name since. A directory has mode
 * 01700, which is what place_is_leftover knows it by, and is locked (flock(2))
 * as long as it is open. */
int place_new_file(int dir, mode_t mode, char ret_name[PLACE_NAME]);
int place_new_dir(int dir, char ret_name[PLACE_NAME]);

/* Was the directory fd, which has this name, made by place_new_dir, of ours,
 * and is nobody's any more? It is locked then. Who may write to the folder
 * around it can give such a name to any directory of ours, but not the mode. */
bool place_is_leftover(const char *name, int fd);

/* Takes the name away, if it is still that of the file fd. */
void place_remove(int dir, const char *name, int fd);

#endif
