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
#include <sys/types.h>

#include "base/arena.h"

int io_write_all(int fd, const void *from, size_t size);
int io_pwrite_all(int fd, const void *from, size_t size, off_t at);
int io_read_exact(int fd, void *to, size_t size);
int io_pread_exact(int fd, void *to, size_t size, off_t at);

/* Everything up to the end of fd, NUL put behind (not counted). */
int io_read_all(
	struct arena *arena, int fd, char **ret_bytes, size_t *ret_size);
/* The same for a file below a directory fd (or AT_FDCWD). */
int io_read_file(struct arena *arena, int dir, const char *path,
	char **ret_bytes, size_t *ret_size);
/* Write a short text to an existing file, /proc and /sys style. */
int io_write_text(int dir, const char *path, const char *text);

#endif
