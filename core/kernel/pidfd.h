/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pidfd: processes held by an fd, so that their pid cannot be mixed up, and
 * copies of their open files (5.6). fds are O_CLOEXEC and the caller's.
 */
#ifndef STASIS_KERNEL_PIDFD_H
#define STASIS_KERNEL_PIDFD_H

#include <sys/types.h>

#include "base/err.h"

/* flags: 0, or PIDFD_NONBLOCK; PIDFD_THREAD (6.9) for a thread. */
int pidfd_open_task(pid_t pid, unsigned flags, int *ret_fd, struct err *err);
/* pid only for the text of errors. Wants the right to ptrace. */
int pidfd_copy_file(int pidfd, pid_t pid, int fd, int *ret_fd, struct err *err);
int pidfd_kill(int pidfd, pid_t pid, int sig, struct err *err);

#endif
