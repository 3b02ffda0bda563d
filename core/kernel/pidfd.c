/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/pidfd.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "base/ending.h"

int pidfd_open_task(pid_t pid, unsigned flags, int *ret_fd, struct err *err)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, flags);

	if (fd < 0)
		return err_errno(err, "opening a pidfd of process %d", pid);
	*ret_fd = fd;
	return 0;
}

int pidfd_copy_file(int pidfd, pid_t pid, int fd, int *ret_fd, struct err *err)
{
	int copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	if (copy < 0)
		return err_errno(err, "copying fd %d of process %d", fd, pid);
	*ret_fd = copy;
	return 0;
}

int pidfd_kill(int pidfd, pid_t pid, int sig, struct err *err)
{
	char label[SIGNAL_LABEL];

	if (syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0))
		return err_errno(err, "sending %s to process %d",
			signal_label(sig, label), pid);
	return 0;
}
