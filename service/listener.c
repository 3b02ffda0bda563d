/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"

enum { BACKLOG = 64, HANDED_OVER = 3 /* systemd's first fd */ };

static int address_fill(
	const char *path, struct sockaddr_un *ret, struct err *err)
{
	memset(ret, 0, sizeof(*ret));
	ret->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(ret->sun_path))
		return err_set(err, ENAMETOOLONG,
			"the path of the socket is longer than %zu bytes: %s",
			sizeof(ret->sun_path) - 1, path);
	strcpy(ret->sun_path, path);
	return 0;
}

static int socket_make(int *ret, struct err *err)
{
	*ret = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	return *ret < 0 ? err_errno(err, "making a socket") : 0;
}

/* Only a socket at which nobody listens any more makes room. */
static int place_clear(const struct sockaddr_un *address, struct err *err)
{
	const struct sockaddr *to = (const struct sockaddr *)address;
	_cleanup_fd_ int probe = -1;
	struct stat file;
	int rc;

	if (lstat(address->sun_path, &file))
		return errno == ENOENT ? 0
				       : err_errno(err, "looking at '%s'",
						 address->sun_path);
	if (!S_ISSOCK(file.st_mode))
		return err_set(err, EEXIST, "'%s' is there and is no socket",
			address->sun_path);
	rc = socket_make(&probe, err);
	if (rc)
		return rc;
	if (!connect(probe, to, sizeof(*address))) {
		err_set(err, EADDRINUSE, "a service listens at '%s' already",
			address->sun_path);
		return err_hint(err, "stop it, or choose another --address");
	}
	if (unlink(address->sun_path))
		return err_errno(
			err, "removing the old socket '%s'", address->sun_path);
	return 0;
}

/* The file is nobody else's for a moment at most: it is born closed. */
static int place_open(
	const char *path, const struct guests *guests, struct err *err)
{
	mode_t mode = guests->users.n ? 0666 : 0660;

	if (!guests->users.n && !guests->has_group)
		return 0;
	if (guests->has_group && chown(path, (uid_t)-1, guests->group))
		return err_errno(
			err, "giving '%s' to group %u", path, guests->group);
	if (chmod(path, mode))
		return err_errno(err, "opening '%s' to its guests", path);
	return 0;
}

static int socket_bind(int fd, const struct sockaddr_un *address,
	const struct guests *guests, struct err *err)
{
	const char *path = address->sun_path;
	mode_t mask = umask(0177);
	int rc = bind(fd, (const struct sockaddr *)address, sizeof(*address));

	umask(mask);
	if (rc)
		return err_errno(err, "making the socket '%s'", path);
	rc = place_open(path, guests, err);
	if (!rc && listen(fd, BACKLOG))
		rc = err_errno(err, "listening at '%s'", path);
	if (rc)
		unlink(path);
	return rc;
}

/* sd_listen_fds(3): how many, and for whom. */
static bool handed_over(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");

	return pid && fds && atoi(pid) == getpid() && atoi(fds) == 1;
}

static int socket_take(struct listener *ret, struct err *err)
{
	socklen_t size = sizeof(int);
	int type = 0, listens = 0;

	if (getsockopt(HANDED_OVER, SOL_SOCKET, SO_TYPE, &type, &size) ||
		getsockopt(HANDED_OVER, SOL_SOCKET, SO_ACCEPTCONN, &listens,
			&size))
		return err_errno(err, "taking over a socket from systemd");
	if (type != SOCK_SEQPACKET || !listens) {
		err_set(err, EPROTOTYPE,
			"what systemd handed over is no listening socket of "
			"type SOCK_SEQPACKET");
		return err_hint(err, "use ListenSequentialPacket= in the "
				     "socket unit");
	}
	fcntl(HANDED_OVER, F_SETFD, FD_CLOEXEC);
	*ret = (struct listener){.fd = HANDED_OVER};
	return 0;
}

int listener_open(const char *path, const struct guests *guests,
	struct listener *ret, struct err *err)
{
	struct listener listener = {.path = path};
	struct sockaddr_un address;
	_cleanup_fd_ int fd = -1;
	struct stat file;
	int rc;

	if (handed_over())
		return socket_take(ret, err);
	rc = address_fill(path, &address, err);
	if (!rc)
		rc = place_clear(&address, err);
	if (!rc)
		rc = socket_make(&fd, err);
	if (!rc)
		rc = socket_bind(fd, &address, guests, err);
	if (rc)
		return rc;
	if (!lstat(path, &file)) {
		listener.dev = file.st_dev;
		listener.ino = file.st_ino;
	}
	listener.fd = fd_take(&fd);
	*ret = listener;
	return 0;
}

void listener_close(struct listener *listener)
{
	struct stat file;

	fd_closep(&listener->fd);
	listener->fd = -1;
	if (listener->path && !lstat(listener->path, &file) &&
		file.st_dev == listener->dev && file.st_ino == listener->ino)
		unlink(listener->path);
	listener->path = NULL;
}
