/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/place.h"
#include "image/leftover.h"

enum {
	BACKLOG = 64,
	PLACE_TRIES = 4,
	HANDED_OVER = 3 /* systemd's first fd */
};

/* Clients must be able to name it, too. */
static int path_check(const char *path, struct err *err)
{
	const size_t room = sizeof(((struct sockaddr_un *)0)->sun_path);

	if (strlen(path) < room)
		return 0;
	return err_set(err, ENAMETOOLONG,
		"the path of the socket is longer than %zu bytes: %s", room - 1,
		path);
}

static int socket_make(int flags, int *ret, struct err *err)
{
	*ret = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
	return *ret < 0 ? err_errno(err, "making a socket") : 0;
}

/* 0: nobody listens at that socket any more. */
static int dead_check(int file, const char *path, struct err *err)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	_cleanup_fd_ int probe = -1;
	int code = socket_make(SOCK_NONBLOCK, &probe, err);

	if (code)
		return code;
	snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d", file);
	if (connect(probe, (struct sockaddr *)&to, sizeof(to)) &&
		errno == ECONNREFUSED)
		return 0;
	/* One with a full queue, or of another type, is alive, too. */
	err_set(err, EADDRINUSE, "a service listens at '%s' already", path);
	return err_hint(err, "stop it, or choose another --address");
}

/* Only a socket at which nobody listens any more makes room, and where others
 * can put files only one of ours. */
static int place_clear(const struct listener *listener, struct err *err)
{
	const char *path = listener->path;
	_cleanup_fd_ int file = openat(listener->folder, listener->name,
		O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat stat;
	int code;

	if (file < 0 && errno == ENOENT)
		return 0;
	if (file < 0 || fstat(file, &stat))
		return err_errno(err, "looking at '%s'", path);
	if (!S_ISSOCK(stat.st_mode)) {
		err_set(err, EEXIST, "'%s' is there and is no socket", path);
		return err_hint(err, "remove it, or choose another --address");
	}
	if (stat.st_uid != geteuid() && place_is_foreign(listener->folder)) {
		err_set(err, EPERM,
			"'%s' is there, in a directory that others can write "
			"to, and is another user's",
			path);
		return err_hint(err, "remove it, or choose another --address");
	}
	code = dead_check(file, path, err);
	if (!code)
		place_remove(listener->folder, listener->name, file);
	return code;
}

/* In the folder that nobody else can enter, so that the names are ours. bind
 * takes no directory, and what it is told is what the kernel will show. */
static int socket_bind(struct listener *listener, int own,
	const struct guests *guests, struct err *err)
{
	const char *name = listener->name, *path = listener->path;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_fd_ int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	mode_t mode = guests->users.n ? 0666 : guests->has_group ? 0660 : 0600;
	int code;

	strcpy(address.sun_path, name);
	if (here < 0 || fchdir(own))
		return err_errno(err, "entering a directory beside '%s'", path);
	code = bind(listener->fd, (struct sockaddr *)&address, sizeof(address))
		       ? err_errno(err, "making the socket '%s'", path)
		       : 0;
	if (fchdir(here))
		return err_errno(err, "returning to the work directory");
	if (code)
		return code;
	listener->file = openat(own, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (listener->file < 0)
		return err_errno(err, "opening the socket '%s'", path);
	if (guests->has_group && fchownat(own, name, (uid_t)-1, guests->group,
					 AT_SYMLINK_NOFOLLOW))
		return err_errno(
			err, "giving '%s' to group %u", path, guests->group);
	if (fchmodat(own, name, mode, 0))
		return err_errno(err, "opening '%s' to its guests", path);
	if (listen(listener->fd, BACKLOG))
		return err_errno(err, "listening at '%s'", path);
	return 0;
}

/* A file system of a network may know no RENAME_NOREPLACE. */
static int socket_move(const struct listener *listener, int own)
{
	const char *name = listener->name;

	if (!renameat2(own, name, listener->folder, name, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL || linkat(own, name, listener->folder, name, 0))
		return -errno;
	unlinkat(own, name, 0);
	return 0;
}

/* Somebody else may be as quick as we are. */
static int socket_place(
	const struct listener *listener, int own, struct err *err)
{
	int code;

	for (int i = 0; i < PLACE_TRIES; i++) {
		code = place_clear(listener, err);
		if (code)
			return code;
		code = socket_move(listener, own);
		if (code != -EEXIST)
			break;
	}
	return code ? err_code(err, code, "putting the socket to '%s'",
			      listener->path)
		    : 0;
}

/* Where the name will be, others may be able to swap it at any moment: whoever
 * changed its owner and mode there would change those of their link's target.
 * So it is made in a directory of our own beside, and moved when it is done. */
static int socket_make_file(
	struct listener *listener, const struct guests *guests, struct err *err)
{
	char hidden[PLACE_NAME];
	_cleanup_fd_ int own = place_new_dir(listener->folder, hidden);
	int code;

	if (own < 0)
		return err_code(err, own, "making a directory beside '%s'",
			listener->path);
	code = socket_bind(listener, own, guests, err)
		       ?: socket_place(listener, own, err);
	unlinkat(own, listener->name, 0);
	place_remove(listener->folder, hidden, own);
	return code;
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
	*ret = (struct listener){.fd = HANDED_OVER, .folder = -1, .file = -1};
	return 0;
}

static void leftover_tell(void *of, const char *sentence)
{
	(void)of;
	log_info("%s", sentence);
}

/* Of a service that was killed before it had moved its socket. */
static void leftovers_clear(struct arena *arena, int folder)
{
	struct err err = {0};

	if (leftovers_remove(arena, folder, leftover_tell, NULL, &err))
		log_warn("%s", err.text);
}

int listener_open(struct arena *arena, const char *path,
	const struct guests *guests, struct listener *ret, struct err *err)
{
	struct listener listener = {
		.path = path, .fd = -1, .folder = -1, .file = -1};
	int code;

	if (handed_over())
		return socket_take(ret, err);
	code = path_check(path, err);
	if (code)
		return code;
	listener.folder = place_open_folder(AT_FDCWD, path, &listener.name);
	if (listener.folder < 0)
		return err_code(err, listener.folder,
			"opening the directory of the socket '%s'", path);
	leftovers_clear(arena, listener.folder);
	/* First, for it costs nothing and says all that can be said. */
	code = place_clear(&listener, err)
		       ?: socket_make(0, &listener.fd, err)
		       ?: socket_make_file(&listener, guests, err);
	if (code)
		listener_leave(&listener);
	else
		*ret = listener;
	return code;
}

void listener_leave(struct listener *listener)
{
	fd_closep(&listener->fd);
	fd_closep(&listener->folder);
	fd_closep(&listener->file);
	listener->fd = listener->folder = listener->file = -1;
}

void listener_close(struct listener *listener)
{
	if (listener->file >= 0)
		place_remove(listener->folder, listener->name, listener->file);
	listener_leave(listener);
}
