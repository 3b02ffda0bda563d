/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

int io_write_all(int fd, const void *from, size_t size)
{
	const char *at = from;
	ssize_t n;

	while (size) {
		n = write(fd, at, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

int io_pwrite_all(int fd, const void *from, size_t size, off_t at)
{
	const char *next = from;
	ssize_t n;

	while (size) {
		n = pwrite(fd, next, size, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		next += n;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

int io_read_exact(int fd, void *to, size_t size)
{
	char *next = to;
	ssize_t n;

	while (size) {
		n = read(fd, next, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		next += n;
		size -= (size_t)n;
	}
	return 0;
}

int io_pread_exact(int fd, void *to, size_t size, off_t at)
{
	char *next = to;
	ssize_t n;

	while (size) {
		n = pread(fd, next, size, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		next += n;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

int io_read_all(struct arena *arena, int fd, char **ret_bytes, size_t *ret_size)
{
	size_t room = 4096, size = 0;
	char *bytes = arena_alloc(arena, room);
	ssize_t n;

	for (;;) {
		n = read(fd, bytes + size, room - size - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
		if (room - size > room / 2)
			continue;
		bytes = arena_grow(arena, bytes, size, room * 4);
		room *= 4;
	}
	bytes[size] = '\0';
	*ret_bytes = bytes;
	if (ret_size)
		*ret_size = size;
	return 0;
}

int io_read_file(struct arena *arena, int dir, const char *path,
	char **ret_bytes, size_t *ret_size)
{
	_cleanup_fd_ int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return io_read_all(arena, fd, ret_bytes, ret_size);
}

int io_write_text(int dir, const char *path, const char *text)
{
	_cleanup_fd_ int fd = openat(dir, path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return io_write_all(fd, text, strlen(text));
}
