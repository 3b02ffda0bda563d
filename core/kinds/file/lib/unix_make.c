/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each socket, by itself or with the one that it talks to. */
#include "kinds/file/lib/unix_ends.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "kernel/stand_in.h"
#include "kinds/file/lib/unix_client.h"
#include "kinds/file/lib/unix_name.h"

/* Who is to be told as the maker of a socket's other end. */
static struct stand_in maker_of(const UnixSkEntry *entry)
{
	return (struct stand_in){
		.pid = entry->has_stasis_pid ? (pid_t)entry->stasis_pid : 0,
		.has_ids = entry->has_stasis_uid && entry->has_stasis_gid,
		.uid = entry->stasis_uid,
		.gid = entry->stasis_gid,
	};
}

int unix_socket_make(const UnixSkEntry *entry, int *ret_fd, struct err *err)
{
	int fd = socket(AF_UNIX, (int)entry->type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_errno(err, "making a unix socket");
	*ret_fd = fd;
	return 0;
}

static int pair_do(void *of, int ret[STAND_IN_RESULTS], struct err *err)
{
	const UnixSkEntry *entry = of;

	if (socketpair(AF_UNIX, (int)entry->type | SOCK_CLOEXEC, 0, ret))
		return err_errno(err, "making a pair of unix sockets");
	return 0;
}

/* Bound first, in a copy of the memory of who listens or connects. */
struct calling {
	int fd;
	int backlog;
	const struct sockaddr_un *to;
	socklen_t size;
};

static int listen_do(void *of, int ret[STAND_IN_RESULTS], struct err *err)
{
	const struct calling *call = of;

	(void)ret;
	return listen(call->fd, call->backlog)
		       ? err_errno(err, "letting a unix socket listen")
		       : 0;
}

static int connect_do(void *of, int ret[STAND_IN_RESULTS], struct err *err)
{
	const struct calling *call = of;

	(void)ret;
	return connect(call->fd, (const struct sockaddr *)call->to, call->size)
		       ? err_errno(err, "connecting a unix socket")
		       : 0;
}

static int fd_listen(
	int fd, const UnixSkEntry *as, int backlog, struct err *err)
{
	const struct stand_in who = maker_of(as);
	struct calling call = {.fd = fd, .backlog = backlog};
	int ret[STAND_IN_RESULTS];

	return stand_in_do(&who, listen_do, &call, ret, err);
}

int unix_fd_connect(int fd, const UnixSkEntry *as, int target,
	const UnixSkEntry *to, struct err *err)
{
	const struct stand_in who = as ? maker_of(as) : (struct stand_in){0};
	_cleanup_fd_ int file = -1;
	struct sockaddr_un address;
	int ret[STAND_IN_RESULTS], code;
	struct calling call = {.fd = fd, .to = &address};

	code = unix_name_address(target, to, &address, &call.size, &file, err);
	return code ?: stand_in_do(&who, connect_do, &call, ret, err);
}

/* A listener that is there for a moment only. */
static int host_make(struct restore *restore, const struct unix_end *end,
	int *ret_fd, struct err *err)
{
	const UnixSkEntry *as = end->peer ? end->peer->entry : end->entry;
	_cleanup_fd_ int fd = -1;
	int code = unix_socket_make(end->entry, &fd, err);

	if (!code)
		code = unix_name_bind(restore, fd, end->entry, true, err);
	if (!code)
		code = fd_listen(fd, as, 1, err);
	if (!code)
		*ret_fd = fd_take(&fd);
	return code;
}

/* end is accepted; *ret_other is who connected. */
static int accepted_make(struct restore *restore, struct unix_end *end,
	int *ret_fd, int *ret_other, struct err *err)
{
	const UnixSkEntry *other = end->peer ? end->peer->entry : NULL;
	_cleanup_fd_ int host = -1, from = -1;
	int code, fd;

	if (end->host)
		host = fcntl(end->host->object->shelf_fd, F_DUPFD_CLOEXEC, 3);
	code = host >= 0 ? 0 : host_make(restore, end, &host, err);
	if (!code)
		code = unix_socket_make(end->entry, &from, err);
	if (!code && other)
		code = unix_name_bind(restore, from, other, false, err);
	if (!code)
		code = unix_fd_connect(from, end->entry, host, end->entry, err);
	if (code)
		return code;
	fd = accept4(host, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "accepting a unix socket");
	*ret_fd = fd;
	*ret_other = fd_take(&from);
	return 0;
}

int unix_pair_make(struct restore *restore, struct unix_end *end, int *ret_fd,
	int *ret_other, struct err *err)
{
	const struct stand_in who = maker_of(end->entry);
	int ret[STAND_IN_RESULTS], code;

	if (unix_is_stream(end) && end->entry->name.len &&
		!(end->peer && end->peer->host))
		return accepted_make(restore, end, ret_fd, ret_other, err);
	if (unix_is_stream(end) && end->peer && end->peer->entry->name.len)
		return accepted_make(
			restore, end->peer, ret_other, ret_fd, err);
	code = stand_in_do(&who, pair_do, (void *)end->entry, ret, err);
	if (code)
		return code;
	*ret_fd = ret[0];
	*ret_other = ret[1];
	return 0;
}

static int lone_make(struct restore *restore, struct unix_end *end, int *ret_fd,
	struct err *err)
{
	const UnixSkEntry *entry = end->entry;
	_cleanup_fd_ int fd = -1;
	int code = unix_socket_make(entry, &fd, err);

	if (!code)
		code = unix_name_bind(restore, fd, entry, false, err);
	if (!code && entry->state == TCP_LISTEN)
		code = fd_listen(fd, entry, (int)entry->backlog, err);
	if (!code)
		*ret_fd = fd_take(&fd);
	return code;
}

bool unix_is_made_with_peer(const struct unix_end *end)
{
	if (!end->peer || unix_is_outside(end->peer) || end->peer->peer != end)
		return false;
	return unix_is_stream(end) ||
	       (!end->entry->name.len && !end->peer->entry->name.len);
}

struct unix_end *unix_caller_only(const struct unix_end *end)
{
	if (unix_is_stream(end) || end->entry->name.len || end->callers.n != 1)
		return NULL;
	return end->callers.at[0];
}

static int fd_keep(struct restore *restore, int fd, int *ret, struct err *err)
{
	int above = fcntl(fd, F_DUPFD_CLOEXEC, restore->park_from);

	close(fd);
	if (above < 0)
		return err_errno(err, "keeping a unix socket open");
	*ret = above;
	return 0;
}

static int both_make(struct restore *restore, struct unix_end *end,
	struct unix_end *other, int *ret_fd, struct err *err)
{
	int fd, also, code = unix_pair_make(restore, end, &fd, &also, err);

	if (code)
		return code;
	code = fd_keep(restore, also, &other->made, err);
	if (code)
		close(fd);
	else
		*ret_fd = fd;
	return code;
}

int unix_join_make(struct restore *restore, struct object *object, int *ret_fd,
	struct err *err)
{
	struct unix_end *end = object->images;
	int other = -1, code;

	if (end->entry->uflags & UNIX_CLIENT)
		return unix_client_make(ret_fd, err);
	if (end->made >= 0) {
		*ret_fd = fd_take(&end->made);
		return 0;
	}
	if (unix_is_made_with_peer(end))
		return both_make(restore, end, end->peer, ret_fd, err);
	if (!unix_is_stream(end) && end->peer && !unix_is_outside(end->peer) &&
		unix_caller_only(end->peer) == end)
		return both_make(restore, end, end->peer, ret_fd, err);
	if (unix_caller_only(end))
		return both_make(
			restore, end, unix_caller_only(end), ret_fd, err);
	if (!unix_is_orphan(end))
		return lone_make(restore, end, ret_fd, err);
	code = unix_pair_make(restore, end, ret_fd, &other, err);
	if (!code)
		close(other);
	return code;
}
