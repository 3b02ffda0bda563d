/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uffd: memory that is filled when it is touched (userfaultfd(2), 4.3; the
 * events 4.11).
 *
 * Who touches a page that is not there waits until it is given one through the
 * fd. What the process does to its address space meanwhile (fork, mremap,
 * munmap, MADV_DONTNEED) waits, too, until its event was read, and until then
 * no page can be given (EAGAIN). When the last fd is closed all that is not
 * there is zeros: an fd is held until nothing is missing, or nobody is left to
 * see it.
 */
#ifndef STASIS_KERNEL_UFFD_H
#define STASIS_KERNEL_UFFD_H

#include <linux/userfaultfd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Of the calling process, O_NONBLOCK, with all events, and threads told by
 * their ids where the kernel can (4.14). It follows forks, which wants
 * CAP_SYS_PTRACE. Falls back on /dev/userfaultfd (6.1). */
int uffd_open(int *ret_fd, struct err *err);

/* The argument of UFFDIO_REGISTER for pages that are not there. */
struct uffdio_register uffd_missing(uint64_t start, uint64_t end);

/* Is this file one? Of a process that is not ours it cannot be told what it
 * is asked for. */
bool uffd_is(int fd);

/* The next event; -EAGAIN: there is none. An UFFD_EVENT_FORK brings an fd,
 * close-on-exec, the caller's. */
int uffd_read(int fd, struct uffd_msg *ret);

/* Gives pages, and wakes who waits for them. 0, or -errno and in *ret_done the
 * bytes that were given before: EAGAIN: read events first; EEXIST: there is a
 * page; ENOENT: not in one area that is registered; ESRCH: the process is
 * gone. */
int uffd_copy(
	int fd, uint64_t to, const void *from, size_t size, size_t *ret_done);
/* One page of zeros. */
int uffd_zero(int fd, uint64_t at, size_t page_size);
/* From now on who touches the page gets SIGBUS (6.6). */
int uffd_poison(int fd, uint64_t at, size_t page_size);
/* Who waits there looks again. */
int uffd_wake(int fd, uint64_t at, size_t size);
/* Who waits anywhere looks again, and is told of again. */
void uffd_wake_all(int fd);
/* Is the memory gone? */
bool uffd_ended(int fd, size_t page_size);

#endif
