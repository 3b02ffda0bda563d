/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/clone3.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

/* struct clone_args of 5.7, for older headers. */
struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal;
	uint64_t stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

static int clone3_fail(const struct clone3_wish *wish, struct err *err)
{
	int code = errno;

	if (!wish->set_tid_n) {
		err_errno(err, "making a process (clone3)");
	} else {
		err_errno(err, "making process %d (clone3)", wish->set_tid[0]);
		if (code == EEXIST)
			err_hint(err,
				"another process or thread has that pid; end "
				"it, or restore in a new pid namespace");
		if (code == EPERM)
			err_hint(err,
				"choosing pids needs CAP_CHECKPOINT_RESTORE or "
				"CAP_SYS_ADMIN in the pid namespace's owner");
	}
	return -code;
}

int clone3_fork(const struct clone3_wish *wish, pid_t *ret_pid, struct err *err)
{
	int pidfd = -1;
	struct clone3_args args = {
		.flags = wish->flags,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = (uint64_t)wish->exit_signal,
		.set_tid = (uintptr_t)wish->set_tid,
		.set_tid_size = wish->set_tid_n,
		.cgroup = (uint64_t)wish->cgroup_fd,
	};
	long pid;

	if (wish->flags & CLONE_VM)
		return err_set(err, EINVAL,
			"a child in its parent's memory needs a stack of its "
			"own (clone3 with CLONE_VM)");
	if (!(wish->flags & CLONE_PIDFD))
		args.pidfd = 0;
	if (!(wish->flags & CLONE_INTO_CGROUP))
		args.cgroup = 0;
	/* A kernel before 5.7 knows only the members before cgroup. */
	pid = syscall(SYS_clone3, &args,
		args.cgroup ? sizeof(args) : sizeof(args) - 8);
	if (pid < 0)
		return clone3_fail(wish, err);
	if (pid && wish->ret_pidfd)
		*wish->ret_pidfd = pidfd;
	*ret_pid = (pid_t)pid;
	return 0;
}
