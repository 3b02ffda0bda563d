/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * io: reading and writing until done. EINTR and short transfers are dealt
 * with here. All return 0 or -errno; a read that meets the end too early
 * returns -EIO (io_read_exact, io_pread_exact).
 */
#ifndef STASIS_BASE_IO_H
#define STASIS_BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

int io_write_all(int fd, const void *from, size_t size);
int io_pwrite_all(int fd, const void *from, size_t size, off_t at);
int io_read_exact(int fd, void *to, size_t size);
int io_pread_exact(int fd, void *to, size_t size, off_t at);

/* Everything up to the end of fd, NUL put behind (not counted). */
int io_read_all(
	struct arena *arena, int fd, char **ret_bytes, size_t *ret_size);
/* The same for a file below a directory fd (or AT_FDCWD). Only for the
 * kernel's own files: it takes whatever is there, and all of it. */
int io_read_file(struct arena *arena, int dir, const char *path,
	char **ret_bytes, size_t *ret_size);
/* For files that others give. What is no regular file is not opened at all (a
 * FIFO blocks, a device may act), what has more than max bytes is refused, and
 * so is a link that leads nowhere: -ENOENT means that there is no such name.
 * *ret_stat, unless it is NULL, is of the fd; O_RDONLY. */
int io_open_regular(int dir, const char *path, uint64_t max, int *ret_fd,
	struct stat *ret_stat, struct err *err);
/* All of one, NUL put behind (not counted); a file that grows meanwhile, or
 * one of the kernel's that says nothing of its size, is held to max, too. */
int io_read_regular(struct arena *arena, int dir, const char *path,
	uint64_t max, char **ret_bytes, size_t *ret_size, struct err *err);

/* Write a short text to an existing file, /proc and /sys style. It does not
 * wait for a reader where somebody put a FIFO. */
int io_write_text(int dir, const char *path, const char *text);

#endif
