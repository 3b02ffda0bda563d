/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uffd_watch: which pages of a process were written, told by userfaultfd.
 *
 * An area that is watched is write-protected in its page tables; the first
 * write to a page takes the protection away without anybody being asked
 * (UFFD_FEATURE_WP_ASYNC, 6.7), and PAGEMAP_SCAN tells which pages have it no
 * more. Where pages come new they have none. An area that is moved or mapped
 * anew, an exec and a fork end the watching there (VmFlags lose "uw"). All of
 * it ends when the last copy of the fd is closed.
 *
 * The fd must be made by the process itself (UFFD_CREATE_FLAGS); everything
 * else can be done with a copy of it. It is borrowed. 0 or -errno.
 */
#ifndef STASIS_KERNEL_UFFD_WATCH_H
#define STASIS_KERNEL_UFFD_WATCH_H

#include <fcntl.h>
#include <stdint.h>

#include "base/err.h"

/* Faults of the kernel itself need no right that the process may lack: they
 * are never waited for here. UFFD_USER_MODE_ONLY, 5.11. */
#define UFFD_CREATE_FLAGS (O_CLOEXEC | O_NONBLOCK | 1)

/* Once for each fd. EINVAL: this kernel cannot. */
int uffd_begin(int fd, struct err *err);

/* One area, or a part of one; again is fine. EBUSY: somebody else watches it;
 * EPERM: it can never be written; ESRCH: the memory is gone. */
int uffd_watch(int fd, uint64_t start, uint64_t end);

/* Pages that are there, in an area that is watched, count as not written from
 * now on. Where no page is a mark is put, which looks like a swapped page to
 * all who scan: give only what is there. */
int uffd_protect(int fd, uint64_t start, uint64_t end);

#endif
