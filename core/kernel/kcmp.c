/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/kcmp.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *kcmp_name(int type)
{
	static const char *const names[KCMP_TYPES] = {
		[KCMP_FILE] = "open files",
		[KCMP_VM] = "address spaces",
		[KCMP_FILES] = "file tables",
		[KCMP_FS] = "working directories (fs)",
		[KCMP_SIGHAND] = "signal handlers",
		[KCMP_IO] = "I/O contexts",
		[KCMP_SYSVSEM] = "semaphore undo lists",
		[KCMP_EPOLL_TFD] = "epoll targets",
	};

	return type >= 0 && type < KCMP_TYPES ? names[type] : "objects";
}

/* The kernel answers 0, 1 (less), 2 (greater), or 3 (no order). */
static int kcmp_order(long answer, int *ret_order)
{
	if (answer < 0 || answer > 2)
		return -1;
	*ret_order = answer == 0 ? 0 : answer == 1 ? -1 : 1;
	return 0;
}

int kcmp_compare(pid_t pid1, pid_t pid2, int type, uint64_t idx1, uint64_t idx2,
	int *ret_order, struct err *err)
{
	long answer = syscall(SYS_kcmp, pid1, pid2, type, idx1, idx2);

	if (!kcmp_order(answer, ret_order))
		return 0;
	if (answer > 0)
		errno = EPROTO;
	if (type == KCMP_FILE)
		return err_errno(err,
			"comparing fd %llu of process %d with fd %llu of "
			"process %d",
			(unsigned long long)idx1, pid1,
			(unsigned long long)idx2, pid2);
	return err_errno(err, "comparing the %s of processes %d and %d",
		kcmp_name(type), pid1, pid2);
}

int kcmp_compare_epoll(pid_t pid1, int fd, pid_t pid2, int epfd, int tfd,
	unsigned toff, int *ret_order, struct err *err)
{
	struct kcmp_epoll_slot slot = {
		.efd = (uint32_t)epfd, .tfd = (uint32_t)tfd, .toff = toff};
	long answer = syscall(
		SYS_kcmp, pid1, pid2, KCMP_EPOLL_TFD, (unsigned long)fd, &slot);

	if (!kcmp_order(answer, ret_order))
		return 0;
	if (answer > 0)
		errno = EPROTO;
	return err_errno(err,
		"comparing fd %d of process %d with target %d of epoll fd %d "
		"of process %d",
		fd, pid1, tfd, epfd, pid2);
}
