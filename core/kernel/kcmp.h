/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kcmp: do two tasks share one kernel object? And if not, which comes first
 * in the kernel's (secret, but steady) order, so that objects can be sorted.
 *
 * Wants the right to ptrace both. ENOSYS: a kernel without CONFIG_KCMP.
 */
#ifndef STASIS_KERNEL_KCMP_H
#define STASIS_KERNEL_KCMP_H

#include <linux/kcmp.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* type: KCMP_FILE (idx: fds), KCMP_VM, KCMP_FILES, KCMP_FS, KCMP_SIGHAND,
 * KCMP_IO, KCMP_SYSVSEM (idx 0). ret_order: 0 same, -1 first is less, 1 it is
 * greater. -EBADF: no such fd. */
int kcmp_compare(pid_t pid1, pid_t pid2, int type, uint64_t idx1, uint64_t idx2,
	int *ret_order, struct err *err);

/* Is file fd of pid1 what epoll set epfd of pid2 watches as its toff-th
 * target under the number tfd (4.13)? -ENOENT: no such target. */
int kcmp_compare_epoll(pid_t pid1, int fd, pid_t pid2, int epfd, int tfd,
	unsigned toff, int *ret_order, struct err *err);

#endif
