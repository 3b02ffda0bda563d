/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
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

enum { CALMLY = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };

/* The file of an O_PATH fd, opened in earnest. */
static int looked_at_open(int looked, int dir, const char *path)
{
	const int flags = CALMLY;
	char link[40];
	int fd;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", looked);
	fd = open(link, flags);
	/* No /proc of ours here. */
	if (fd < 0 && errno == ENOENT)
		fd = openat(dir, path, flags);
	return fd;
}

static int regular_check(
	const struct stat *st, const char *path, uint64_t max, struct err *err)
{
	if (!S_ISREG(st->st_mode))
		return err_set(err, EBADMSG, "%s is not a regular file", path);
	if ((uint64_t)st->st_size <= max)
		return 0;
	return err_set(err, EFBIG,
		"%s has %" PRIu64 " bytes, more than the %" PRIu64
		" that such a file may have",
		path, (uint64_t)st->st_size, max);
}

static int looked_at_absent(int dir, const char *path, struct err *err)
{
	struct stat st;

	if (!fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) &&
		S_ISLNK(st.st_mode))
		return err_set(
			err, EBADMSG, "%s is a link that leads nowhere", path);
	return err_code(err, -ENOENT, "opening %s", path);
}

/* Of a regular file that no link leads to, which is most of them: a FIFO that
 * is swapped in does not block, and a link is not followed. */
static int plainly_open(int dir, const char *path, struct stat *ret_before)
{
	if (fstatat(dir, path, ret_before, AT_SYMLINK_NOFOLLOW) ||
		!S_ISREG(ret_before->st_mode))
		return -1;
	return openat(dir, path, CALMLY | O_NOFOLLOW);
}

static int opened_check(const struct stat *before, int fd, const char *path,
	struct stat *ret, struct err *err)
{
	if (fstat(fd, ret))
		return err_errno(err, "opening %s", path);
	if (ret->st_dev != before->st_dev || ret->st_ino != before->st_ino)
		return err_set(err, EBUSY,
			"%s was replaced while it was opened", path);
	return 0;
}

/* Any file, looked at before it is opened. */
static int carefully_open(int dir, const char *path, struct stat *ret_before,
	uint64_t max, int *ret_fd, struct err *err)
{
	_cleanup_fd_ int looked = openat(dir, path, O_PATH | O_CLOEXEC);
	int code;

	if (looked < 0 && errno == ENOENT)
		return looked_at_absent(dir, path, err);
	if (looked < 0 || fstat(looked, ret_before))
		return err_errno(err, "opening %s", path);
	code = regular_check(ret_before, path, max, err);
	if (code)
		return code;
	*ret_fd = looked_at_open(looked, dir, path);
	return *ret_fd < 0 ? err_errno(err, "opening %s", path) : 0;
}

int io_open_regular(int dir, const char *path, uint64_t max, int *ret_fd,
	struct stat *ret_stat, struct err *err)
{
	struct stat before, st;
	_cleanup_fd_ int fd = plainly_open(dir, path, &before);
	int code = 0;

	if (fd < 0)
		code = carefully_open(dir, path, &before, max, &fd, err);
	code = code ?: opened_check(&before, fd, path, &st, err)
			      ?: regular_check(&st, path, max, err);
	if (code)
		return code;
	if (ret_stat)
		*ret_stat = st;
	*ret_fd = fd_take(&fd);
	return 0;
}

/* Up to room bytes, fewer only where the file ends. */
static int read_up_to(int fd, char *to, size_t room, size_t *ret_size)
{
	size_t size = 0;
	ssize_t n = 1;

	while (size < room && n) {
		n = read(fd, to + size, room - size);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			size += (size_t)n;
	}
	*ret_size = size;
	return 0;
}

int io_read_regular(struct arena *arena, int dir, const char *path,
	uint64_t max, char **ret_bytes, size_t *ret_size, struct err *err)
{
	_cleanup_fd_ int fd = -1;
	size_t size = 0, more = 0, room;
	struct stat st;
	char *bytes;
	int code;

	code = io_open_regular(dir, path, max, &fd, &st, err);
	if (code)
		return code;
	room = st.st_size ? (size_t)st.st_size + 1 : 4096;
	bytes = arena_alloc(arena, room + 1);
	while (!code) {
		code = read_up_to(fd, bytes + size, room - size, &more);
		if (code)
			return err_code(err, code, "reading %s", path);
		size += more;
		st.st_size = (off_t)size;
		code = regular_check(&st, path, max, err);
		if (code || size < room)
			break;
		bytes = arena_grow(arena, bytes, size, 2 * room + 1);
		room *= 2;
	}
	bytes[size] = '\0';
	*ret_bytes = bytes;
	if (ret_size)
		*ret_size = size;
	return code;
}

int io_write_text(int dir, const char *path, const char *text)
{
	_cleanup_fd_ int fd =
		openat(dir, path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return io_write_all(fd, text, strlen(text));
}
