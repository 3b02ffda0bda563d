/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/announce.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "kernel/socket_peer.h"
#include "kernel/uffd.h"

enum { BACKLOG = 8, PATIENCE_MS = 10000 };

static const struct sockaddr_un address = {
	.sun_family = AF_UNIX, .sun_path = ANNOUNCE_SOCKET};

int announce_connect(int *ret_fd, struct err *err)
{
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uid_t uid = 0;

	if (fd < 0)
		return err_errno(err, "making a socket");
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		err_errno(err,
			"connecting to the lazy-pages daemon (%s in the "
			"work directory)",
			ANNOUNCE_SOCKET);
		return err_hint(err,
			"start it first: stasis lazy-pages -D DIR, "
			"with the same work directory");
	}
	if (!socket_peer_is_ours(fd, &uid))
		return err_set(err, EPERM,
			"the lazy-pages daemon in the work directory is user "
			"%u's, who must not have the memory of the tasks",
			uid);
	*ret_fd = fd_take(&fd);
	return 0;
}

static int daemon_lost(int code, struct err *err)
{
	err_code(err, code, "the lazy-pages daemon has gone away");
	return err_hint(err, "its own log says why");
}

static int fd_send(int fd, int what, struct err *err)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			     .cmsg_level = SOL_SOCKET,
			     .cmsg_type = SCM_RIGHTS}};
	char byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr message = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.head), &what, sizeof(what));
	return sendmsg(fd, &message, MSG_NOSIGNAL) == 1
		       ? 0
		       : daemon_lost(-errno, err);
}

static int word_send(int fd, uint32_t word, struct err *err)
{
	return send(fd, &word, sizeof(word), MSG_NOSIGNAL) == sizeof(word)
		       ? 0
		       : daemon_lost(-errno, err);
}

int announce_task(int fd, pid_t pid, int uffd, struct err *err)
{
	int code = word_send(fd, (uint32_t)(uffd < 0 ? -pid : pid), err);

	return code || uffd < 0 ? code : fd_send(fd, uffd, err);
}

int announce_finished(int fd, struct err *err)
{
	return word_send(fd, ANNOUNCE_FINISHED, err);
}

/* It never says anything. */
int announce_check(int fd, struct err *err)
{
	struct pollfd look = {.fd = fd, .events = POLLIN};

	return poll(&look, 1, 0) > 0 ? daemon_lost(-ECONNRESET, err) : 0;
}

/* --- the daemon's end ------------------------------------------------------
 */

static int place_clear(struct err *err)
{
	struct stat stat;

	if (lstat(ANNOUNCE_SOCKET, &stat))
		return 0;
	if (!S_ISSOCK(stat.st_mode))
		return err_set(err, EEXIST,
			"%s in the work directory is no socket",
			ANNOUNCE_SOCKET);
	if (unlink(ANNOUNCE_SOCKET) && errno != ENOENT)
		return err_errno(err, "removing an older %s", ANNOUNCE_SOCKET);
	return 0;
}

int announce_listen(int *ret_fd, struct err *err)
{
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int code =
		fd < 0 ? err_errno(err, "making a socket") : place_clear(err);

	if (code)
		return code;
	/* The mode of the name is that of the fd, so nobody comes in between.
	 */
	if (fchmod(fd, 0600) ||
		bind(fd, (const struct sockaddr *)&address, sizeof(address)) ||
		listen(fd, BACKLOG))
		return err_errno(err, "listening at %s in the work directory",
			ANNOUNCE_SOCKET);
	*ret_fd = fd_take(&fd);
	return 0;
}

int announce_accept(int listener, int *ret_fd, struct err *err)
{
	_cleanup_fd_ int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
	uid_t uid = 0;

	if (fd < 0)
		return errno == EAGAIN || errno == ECONNABORTED
			       ? -EAGAIN
			       : err_errno(err, "accepting a restore");
	if (!socket_peer_is_ours(fd, &uid))
		return -EAGAIN;
	if (setsockopt(
		    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		return err_errno(err, "the connection of a restore");
	*ret_fd = fd_take(&fd);
	return 0;
}

static int restore_lost(struct err *err)
{
	return err_set(err, EPIPE,
		"the restore has gone away before all its tasks were known");
}

/* Half an announcement that never becomes whole is none. */
static int more_await(int fd, struct err *err)
{
	struct pollfd look = {.fd = fd, .events = POLLIN};

	return poll(&look, 1, PATIENCE_MS) == 1 ? 0 : restore_lost(err);
}

static int pid_receive(int fd, int32_t *ret, struct err *err)
{
	char *to = (char *)ret;
	ssize_t got;

	for (size_t have = 0; have < sizeof(*ret); have += (size_t)got) {
		got = recv(fd, to + have, sizeof(*ret) - have, 0);
		if (got < 0 && errno == EINTR)
			got = 0;
		else if (got <= 0)
			return restore_lost(err);
		if (have + (size_t)got < sizeof(*ret) && more_await(fd, err))
			return -EPIPE;
	}
	return 0;
}

static int uffd_receive(int fd, int *ret, struct err *err)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr message = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	_cleanup_fd_ int uffd = -1;

	if (more_await(fd, err))
		return -EPIPE;
	if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) != 1)
		return restore_lost(err);
	if (message.msg_controllen >= CMSG_LEN(sizeof(int)) &&
		control.head.cmsg_type == SCM_RIGHTS)
		memcpy(&uffd, CMSG_DATA(&control.head), sizeof(uffd));
	if (uffd < 0 || !uffd_is(uffd))
		return err_set(err, EBADMSG,
			"the restore sends no userfaultfd with a pid");
	*ret = fd_take(&uffd);
	return 0;
}

int announce_receive(int fd, pid_t *ret_pid, int *ret_uffd, struct err *err)
{
	int32_t pid = 0;
	int uffd = -1, code = pid_receive(fd, &pid, err);

	if (!code && (!pid || pid == INT32_MIN))
		code = err_set(err, EBADMSG,
			"the restore announces process %d, which there cannot "
			"be",
			pid);
	if (!code && pid > 0)
		code = uffd_receive(fd, &uffd, err);
	if (code)
		return code;
	*ret_pid = pid < 0 ? -pid : pid;
	*ret_uffd = uffd;
	return 0;
}
