/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/uffd_watch.h"

#include <errno.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

/* 6.7, for older headers. */
#define WP_ASYNC (1ull << 15)

int uffd_begin(int fd, struct err *err)
{
	struct uffdio_api api = {.api = UFFD_API, .features = WP_ASYNC};

	if (ioctl(fd, UFFDIO_API, &api))
		return err_errno(err, "asking userfaultfd to watch for writes");
	return 0;
}

int uffd_watch(int fd, uint64_t start, uint64_t end)
{
	struct uffdio_register args = {
		.range = {start, end - start}, .mode = UFFDIO_REGISTER_MODE_WP};

	return ioctl(fd, UFFDIO_REGISTER, &args) ? -errno : 0;
}

int uffd_protect(int fd, uint64_t start, uint64_t end)
{
	struct uffdio_writeprotect args = {.range = {start, end - start},
		.mode = UFFDIO_WRITEPROTECT_MODE_WP};
	int code;

	do {
		code = ioctl(fd, UFFDIO_WRITEPROTECT, &args) ? -errno : 0;
	} while (code == -EAGAIN || code == -EINTR);
	return code;
}
