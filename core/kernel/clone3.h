/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clone3: fork with everything fork cannot say: flags, pids, a cgroup.
 *
 * The C library does not see it: call it only from a program of one thread
 * (or call nothing but raw system calls in the child).
 */
#ifndef STASIS_KERNEL_CLONE3_H
#define STASIS_KERNEL_CLONE3_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#ifndef CLONE_INTO_CGROUP /* the C library has only what clone() knows */
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

struct clone3_wish {
	uint64_t flags; /* CLONE_NEWPID, CLONE_PARENT, ...; not CLONE_VM */
	const pid_t *set_tid; /* innermost namespace first (5.5) */
	size_t set_tid_n;
	int exit_signal; /* 0: none; fork has SIGCHLD */
	int cgroup_fd;	 /* with CLONE_INTO_CGROUP (5.7) in flags */
	int *ret_pidfd;	 /* with CLONE_PIDFD in flags */
};

/* ret_pid: the child's in the parent, 0 in the child. -EEXIST: a pid of
 * set_tid is taken; -EPERM: no CAP_CHECKPOINT_RESTORE there. */
int clone3_fork(
	const struct clone3_wish *wish, pid_t *ret_pid, struct err *err);

#endif
