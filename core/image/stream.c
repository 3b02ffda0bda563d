/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/stream.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "image/stream_format.h"

enum { LOOK_MS = 100, PIPE_ROOM = 1 << 20 };
enum { NS_PER_MS = 1000000, DRAIN_FIRST_NS = 20000, DRAIN_LAST_NS = 5000000 };

static int reader_gone(struct err *err)
{
	err_set(err, EPIPE,
		"whoever reads the images has gone away before all of them "
		"were read");
	return err_hint(err, "its own message says why");
}

static int idle_check(struct stream *stream, int64_t waited_ms, struct err *err)
{
	if (!stream->idle_seconds || waited_ms < stream->idle_seconds * 1000ll)
		return 0;
	err_set(err, ETIMEDOUT,
		"the other end of the stream of images has not moved for %d "
		"seconds",
		stream->idle_seconds);
	return err_hint(err, "look whether it still runs, and whether its "
			     "disk and the connection do");
}

int stream_await(struct stream *stream, int fd, short events, struct err *err)
{
	struct pollfd wait_for = {.fd = fd, .events = events};
	int64_t waited = 0;
	int code = 0, n;

	for (;; waited += LOOK_MS) {
		code = stream->look ? stream->look(stream->of, err) : 0;
		code = code ?: idle_check(stream, waited, err);
		if (code)
			return code;
		n = poll(&wait_for, 1, LOOK_MS);
		if (n < 0 && errno != EINTR)
			return err_errno(err, "waiting for the stream");
		if (n > 0)
			return 0;
	}
}

/* As much as goes without waiting, or -1 and errno. Of a pipe that has room
 * for something, a page is what it surely takes. */
static ssize_t some_put(struct stream *stream, const char *from, size_t size)
{
	struct iovec piece = {(void *)(uintptr_t)from, size};
	ssize_t done;

	if (stream->sort == S_IFSOCK)
		return send(
			stream->out, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (stream->sort != S_IFIFO)
		return write(stream->out, from, size);
	done = pwritev2(stream->out, &piece, 1, -1, RWF_NOWAIT);
	if (done >= 0 || (errno != EOPNOTSUPP && errno != EAGAIN))
		return done;
	return write(
		stream->out, from, size < PIPE_BUF ? size : (size_t)PIPE_BUF);
}

int stream_put(
	struct stream *stream, const void *from, size_t size, struct err *err)
{
	const char *at = from;
	ssize_t done;
	int code;

	for (; size; at += done, size -= (size_t)done) {
		code = stream_await(stream, stream->out, POLLOUT, err);
		if (code)
			return code;
		done = some_put(stream, at, size);
		if (done < 0 && (errno == EPIPE || errno == ECONNRESET))
			return reader_gone(err);
		if (done < 0 && errno != EINTR && errno != EAGAIN)
			return err_errno(err, "writing the stream of images");
		done = done < 0 ? 0 : done;
	}
	return 0;
}

/* Bytes that nobody has read yet; 0, too, where nobody knows. */
static int bytes_left(const struct stream *stream)
{
	int left = 0;

	if (stream->sort == S_IFIFO)
		return ioctl(stream->out, FIONREAD, &left) ? 0 : left;
	if (stream->sort == S_IFSOCK)
		return ioctl(stream->out, SIOCOUTQ, &left) ? 0 : left;
	return 0;
}

static bool is_broken(const struct stream *stream)
{
	struct pollfd look_at = {.fd = stream->out};

	return poll(&look_at, 1, 0) > 0 &&
	       look_at.revents & (POLLERR | POLLHUP | POLLNVAL);
}

/* Looks often at first: what reads well is done in no time. */
int stream_drain(struct stream *stream, struct err *err)
{
	struct timespec pause = {.tv_nsec = DRAIN_FIRST_NS};
	int64_t waited = 0, look_at = 0;
	int before = INT_MAX, left, code = 0;

	while (!code && (left = bytes_left(stream)) > 0) {
		if (is_broken(stream))
			return reader_gone(err);
		nanosleep(&pause, NULL);
		waited = left == before ? waited + pause.tv_nsec : 0;
		look_at += pause.tv_nsec;
		if (pause.tv_nsec < DRAIN_LAST_NS)
			pause.tv_nsec *= 2;
		before = left;
		if (look_at > LOOK_MS * NS_PER_MS && stream->look) {
			code = stream->look(stream->of, err);
			look_at = 0;
		}
		code = code ?: idle_check(stream, waited / NS_PER_MS, err);
	}
	if (!code && stream->sort != S_IFREG && is_broken(stream))
		return reader_gone(err);
	return code;
}

/* --- all in one pipe --------------------------------------------------------
 */

static int head_put(struct stream *stream, enum stream_mark mark,
	const char *name, uint64_t size, struct err *err)
{
	const struct stream_head head = {.size = htole64(size),
		.mark = htole32(mark),
		.name_size = htole32((uint32_t)strlen(name))};

	return stream_put(stream, &head, sizeof(head), err)
		       ?: stream_put(stream, name, strlen(name), err);
}

static int pipe_file(
	struct stream *stream, const char *name, uint64_t size, struct err *err)
{
	return head_put(stream, STREAM_FILE, name, size, err);
}

static int pipe_file_end(struct stream *stream, struct err *err)
{
	(void)stream, (void)err;
	return 0;
}

static int pipe_end(struct stream *stream, struct err *err)
{
	int code = head_put(stream, STREAM_WHOLE, "", stream->files, err);

	if (!code && stream->sort == S_IFREG && fsync(stream->out))
		return err_errno(err, "writing the stream of images to disk");
	return code ?: stream_drain(stream, err);
}

static int pipe_done(struct stream *stream, struct err *err)
{
	/* What is done is told, whoever has interrupted us since. */
	stream->look = NULL;
	return head_put(stream, STREAM_DONE, "", 0, err);
}

static const struct stream_way one_pipe = {
	pipe_file, pipe_file_end, pipe_end, pipe_done};

int stream_open(struct stream *stream, struct err *err)
{
	int idle = stream->idle_seconds, code;
	struct stat stat;

	if (isatty(stream->fd)) {
		err_set(err, EINVAL,
			"images are nothing for a terminal to show");
		return err_hint(err, "lead them through a pipe: stasis dump -D "
				     "- ... | ssh HOST stasis restore -D -");
	}
	if (fstat(stream->fd, &stat))
		return err_errno(err, "looking at the fd of the stream");
	stream->way = &one_pipe;
	stream->out = stream->fd;
	stream->sort = stat.st_mode & S_IFMT;
	if (stream->sort == S_IFIFO)
		fcntl(stream->fd, F_SETPIPE_SZ, PIPE_ROOM);
	/* As long as somebody types a password at the other end. */
	stream->idle_seconds = 0;
	code = stream_put(stream, STREAM_BEGINNING, STREAM_BEGINNING_SIZE, err)
		       ?: stream_drain(stream, err);
	stream->idle_seconds = idle;
	return code;
}

int stream_file(
	struct stream *stream, const char *name, uint64_t size, struct err *err)
{
	stream->files++;
	return stream->way->file(stream, name, size, err);
}

int stream_file_end(struct stream *stream, struct err *err)
{
	return stream->way->file_end(stream, err);
}

int stream_end(struct stream *stream, struct err *err)
{
	return stream->way->end(stream, err);
}

int stream_done(struct stream *stream, struct err *err)
{
	return stream->way->done(stream, err);
}
