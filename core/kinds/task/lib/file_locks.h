/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file_locks: locks of fcntl(2) that a task takes after its tape.
 *
 * They are the process's, and lost when it closes any fd of the file. So a task
 * whose shelf is closed from outside, after its tape, takes them from there,
 * too. Pure.
 */
#ifndef STASIS_KINDS_TASK_LIB_FILE_LOCKS_H
#define STASIS_KINDS_TASK_LIB_FILE_LOCKS_H

#include <fcntl.h>
#include <stdbool.h>

#include "proto/paths.pb-c.h"

bool file_lock_is_of_process(const FileLockEntry *entry);
/* As F_SETLK takes it. */
void file_lock_fill(const FileLockEntry *entry, struct flock *ret);

#endif
