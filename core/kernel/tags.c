/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/tags.h"

#include <errno.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

/* The kernel may do less than it was asked for. */
static int tags_move(const struct backend *be, int request, pid_t tid,
	uint64_t at, uint8_t *tags, size_t n)
{
	struct iovec iov;

	for (; n; n -= iov.iov_len, tags += iov.iov_len) {
		iov = (struct iovec){tags, n};
		if (ptrace((enum __ptrace_request)request, tid,
			    (void *)(uintptr_t)at, &iov))
			return -errno;
		if (!iov.iov_len)
			return -EIO;
		at += iov.iov_len * be->tag_granule;
	}
	return 0;
}

int tags_read(const struct backend *be, pid_t tid, uint64_t at, uint8_t *ret,
	size_t n, struct err *err)
{
	int code = tags_move(be, be->tag_peek, tid, at, ret, n);

	if (code)
		return err_code(err, code,
			"reading %zu memory tags at %#llx of process %d", n,
			(unsigned long long)at, tid);
	return 0;
}

int tags_write(const struct backend *be, pid_t tid, uint64_t at,
	const uint8_t *tags, size_t n, struct err *err)
{
	int code = tags_move(
		be, be->tag_poke, tid, at, (uint8_t *)(uintptr_t)tags, n);

	if (code)
		return err_code(err, code,
			"writing %zu memory tags at %#llx of process %d", n,
			(unsigned long long)at, tid);
	return 0;
}
