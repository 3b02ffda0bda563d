/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/streamer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "image/magic.h"
#include "kernel/socket_peer.h"
#include "proto/streamer.pb-c.h"

enum {
	PIPE_ROOM = 1 << 20,
	REPLY_MAX = 64,
	PIECE = 64 << 10,
	CONNECT_MS = 100
};

static int streamer_gone(struct err *err)
{
	err_set(err, EPIPE, "the image streamer has gone away in the middle");
	return err_hint(err, "its own message says why");
}

/* In pieces of CONNECT_MS, for one who lets nobody in. */
static int name_connect(struct stream *stream, int fd, int dir,
	const char *socket_name, struct err *err)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	const struct timeval piece = {.tv_usec = CONNECT_MS * 1000};
	int code = 0, waited = 0;

	/* Any path is short enough so. */
	snprintf(name.sun_path, sizeof(name.sun_path), "/proc/self/fd/%d/%s",
		dir, socket_name);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &piece, sizeof(piece));
	while (!code && connect(fd, (struct sockaddr *)&name, sizeof(name))) {
		if (errno != EAGAIN && errno != EINTR)
			return err_errno(err,
				"connecting to the image streamer at '%s' in "
				"the image directory",
				socket_name);
		waited += CONNECT_MS;
		code = stream->look ? stream->look(stream->of, err) : 0;
		if (!code && stream->idle_seconds &&
			waited / 1000 >= stream->idle_seconds)
			code = err_set(err, ETIMEDOUT,
				"the image streamer has let nobody in for %d "
				"seconds",
				stream->idle_seconds);
	}
	return code;
}

int streamer_connect(struct stream *stream, int dir, const char *socket_name,
	int *ret_fd, struct err *err)
{
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uid_t uid = 0;
	int code = fd < 0 ? err_errno(err, "making a socket")
			  : name_connect(stream, fd, dir, socket_name, err);

	if (code)
		return code == -EINTR || code == -ETIMEDOUT
			       ? code
			       : err_hint(err,
					 "it must be started first; "
					 "criu-image-streamer is told "
					 "'capture' for a dump and 'serve' for "
					 "a restore");
	if (!socket_peer_is_ours(fd, &uid)) {
		err_set(err, EPERM,
			"the image streamer at '%s' in the image directory is "
			"user %u's, who must neither have the memory of the "
			"processes nor say what they become",
			socket_name, uid);
		return err_hint(err, "start it as the user who dumps or "
				     "restores, or as root");
	}
	*ret_fd = fd_take(&fd);
	return 0;
}

static int words_send(
	struct stream *stream, const void *words, size_t size, struct err *err)
{
	const char *at = words;
	ssize_t done;
	int code;

	for (; size; at += done, size -= (size_t)done) {
		code = stream_await(stream, stream->fd, POLLOUT, err);
		if (code)
			return code;
		done = send(stream->fd, at, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (done < 0 && errno != EINTR && errno != EAGAIN)
			return streamer_gone(err);
		done = done < 0 ? 0 : done;
	}
	return 0;
}

static int words_take(
	struct stream *stream, void *words, size_t size, struct err *err)
{
	char *at = words;
	ssize_t got;
	int code;

	for (; size; at += got, size -= (size_t)got) {
		code = stream_await(stream, stream->fd, POLLIN, err);
		if (code)
			return code;
		got = recv(stream->fd, at, size, MSG_DONTWAIT);
		if (!got || (got < 0 && errno != EINTR && errno != EAGAIN))
			return streamer_gone(err);
		got = got < 0 ? 0 : got;
	}
	return 0;
}

static int name_send(struct stream *stream, const char *name, struct err *err)
{
	ImgStreamerRequestEntry request = IMG_STREAMER_REQUEST_ENTRY__INIT;
	struct {
		uint32_t size;
		uint8_t packed[IMAGE_NAME_MAX + 16];
	} words;

	request.filename = (char *)(uintptr_t)name;
	words.size = (uint32_t)img_streamer_request_entry__pack(
		&request, words.packed);
	return words_send(stream, &words, sizeof(words.size) + words.size, err);
}

/* With one byte that means nothing. */
static int fd_send(struct stream *stream, int fd, struct err *err)
{
	char room[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
	struct iovec piece = {&byte, 1};
	struct msghdr message = {.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof(room)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	int code = stream_await(stream, stream->fd, POLLOUT, err);

	if (code)
		return code;
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	return sendmsg(stream->fd, &message, MSG_NOSIGNAL) == 1
		       ? 0
		       : streamer_gone(err);
}

/* ours: 0, to read, or 1, to write; the other end goes to the streamer. */
static int pipe_share(
	struct stream *stream, int ours, int *ret_fd, struct err *err)
{
	int ends[2], code;

	if (pipe2(ends, O_CLOEXEC))
		return err_errno(err, "making a pipe to the image streamer");
	fcntl(ends[ours], F_SETPIPE_SZ, PIPE_ROOM);
	code = fd_send(stream, ends[1 - ours], err);
	close(ends[1 - ours]);
	if (code)
		close(ends[ours]);
	else
		*ret_fd = ends[ours];
	return code;
}

/* --- dump ------------------------------------------------------------------
 */

static int capture_file(
	struct stream *stream, const char *name, uint64_t size, struct err *err)
{
	(void)size;
	return name_send(stream, name, err)
		       ?: pipe_share(stream, 1, &stream->out, err);
}

void streamer_close(struct stream *stream)
{
	fd_closep(&stream->out);
	stream->out = -1;
}

/* It is not only sent: it was taken. */
static int capture_file_end(struct stream *stream, struct err *err)
{
	int code = stream_drain(stream, err);

	streamer_close(stream);
	return code;
}

static int still_there(struct stream *stream, struct err *err)
{
	struct pollfd look_at = {.fd = stream->fd};

	if (poll(&look_at, 1, 0) > 0 && look_at.revents & (POLLERR | POLLHUP))
		return streamer_gone(err);
	return 0;
}

static int capture_done(struct stream *stream, struct err *err)
{
	(void)stream, (void)err;
	return 0;
}

static const struct stream_way capture = {
	capture_file, capture_file_end, still_there, capture_done};

void streamer_open(struct stream *stream)
{
	stream->way = &capture;
	stream->out = -1;
	stream->sort = S_IFIFO;
}

/* --- restore ----------------------------------------------------------------
 */

static int reply_take(struct stream *stream, bool *ret_exists, struct err *err)
{
	ImgStreamerReplyEntry *reply = NULL;
	uint8_t packed[REPLY_MAX];
	uint32_t size = 0;
	int code = words_take(stream, &size, sizeof(size), err);

	if (!code && size <= sizeof(packed))
		code = words_take(stream, packed, size, err);
	if (code)
		return code;
	if (size <= sizeof(packed))
		reply = img_streamer_reply_entry__unpack(NULL, size, packed);
	if (!reply)
		return err_set(err, EBADMSG,
			"the image streamer answers in words that are not "
			"known");
	*ret_exists = reply->exists;
	img_streamer_reply_entry__free_unpacked(reply, NULL);
	return 0;
}

static int bytes_fetch(struct stream *stream, int from, int to,
	const char *name, struct err *err)
{
	char room[PIECE];
	ssize_t got;
	int code;

	for (;;) {
		code = stream_await(stream, from, POLLIN, err);
		if (code)
			return code;
		got = read(from, room, sizeof(room));
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			return err_errno(err, "reading %s", name);
		if (!got)
			return still_there(stream, err);
		code = got > 0 ? io_write_all(to, room, (size_t)got) : 0;
		if (code)
			return err_code(err, code, "writing %s", name);
	}
}

int streamer_fetch(struct stream *stream, int dir, const char *name,
	bool *ret_exists, struct err *err)
{
	_cleanup_fd_ int from = -1, to = -1;
	bool exists = false;
	int code;

	code = name_send(stream, name, err) ?: reply_take(stream, &exists, err);
	if (!code && exists)
		code = pipe_share(stream, 0, &from, err);
	if (!code && exists) {
		to = openat(dir, name,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
		code = to < 0 ? err_errno(err, "making %s", name)
			      : bytes_fetch(stream, from, to, name, err);
	}
	if (code)
		return err_wrap(err, "%s from the image streamer", name);
	*ret_exists = exists;
	return 0;
}
