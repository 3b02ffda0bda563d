/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When all sockets are there: queues, connections, ends of ways, options. */
#include "kinds/file/lib/unix_ends.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "kinds/file/lib/fown.h"
#include "kinds/file/lib/unix_client.h"
#include "kinds/file/lib/unix_name.h"
#include "kinds/file/lib/unix_opts.h"
#include "kinds/file/lib/unix_queue.h"

static int fd_of(const struct unix_end *end)
{
	return end->object->shelf_fd;
}

/* Who sends the packets that wait in it: its peer, one that is given, or
 * anybody, by its address. */
static int sender_find(struct restore *restore, struct unix_ends *ends,
	const struct unix_end *end, const SkPacketEntry *packet, int *ret_fd,
	bool *ret_connected, struct err *err)
{
	const struct unix_end *other;

	*ret_connected = end->peer && end->peer->peer == end &&
			 !unix_is_outside(end->peer) &&
			 unix_is_made_with_peer(end);
	if (*ret_connected) {
		*ret_fd = fd_of(end->peer);
		return 0;
	}
	*ret_fd = -1;
	for (size_t i = 0; packet->has_stasis_from && i < ends->list.n; i++) {
		other = ends->list.at[i];
		if (other->entry->name.len == packet->stasis_from.len &&
			!unix_is_outside(other) && !unix_is_stream(other) &&
			!memcmp(other->entry->name.data,
				packet->stasis_from.data,
				packet->stasis_from.len)) {
			*ret_fd = fd_of(other);
			return 0;
		}
	}
	if (unix_caller_only(end)) {
		*ret_fd = fd_of(unix_caller_only(end));
		*ret_connected = true;
	}
	(void)restore;
	(void)err;
	return 0;
}

static int packet_fill(struct restore *restore, struct unix_ends *ends,
	struct unix_end *end, size_t i, struct err *err)
{
	const SkPacketEntry *packet = unix_packet_of(end, i);
	_cleanup_fd_ int file = -1, passing = -1;
	struct sockaddr_un address;
	socklen_t size = 0;
	bool connected;
	int fd, code;

	code = sender_find(restore, ends, end, packet, &fd, &connected, err);
	if (!code && fd < 0) {
		code = unix_socket_make(end->entry, &passing, err);
		fd = passing;
	}
	if (!code && !connected && !end->entry->name.len)
		return err_set(err, EBADMSG,
			"nobody can send what waits in it, since it has no "
			"name");
	if (!code && !connected)
		code = unix_name_address(
			fd_of(end), end->entry, &address, &size, &file, err);
	return code
		       ?: unix_queue_send(restore, end->queue.at[i], fd,
				  connected ? NULL : &address, size, err);
}

/* Room for all that is to wait, for as long as it is put there. */
static void room_make(const struct unix_end *end, int fd)
{
	uint64_t bytes = 0;
	int half;

	for (size_t i = 0; i < end->queue.n; i++)
		bytes += end->queue.at[i]->payload_size + 4096;
	half = bytes < INT32_MAX / 2 ? (int)bytes : INT32_MAX / 2;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &half, sizeof(half)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &half, sizeof(half));
}

static int passing_set(struct unix_end *end, struct err *err)
{
	const SkOptsEntry *opts = end->entry->opts;
	int on = 1;

	/* Whose a message is, is noted when it is sent. */
	if (opts->has_so_passcred && opts->so_passcred &&
		setsockopt(
			fd_of(end), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)))
		return err_errno(err, "asking for credentials");
	return 0;
}

/* From an other end that is gone when all is said. */
static int orphan_fill(
	struct restore *restore, struct unix_end *end, struct err *err)
{
	_cleanup_fd_ int fd = -1, other = -1;
	int code = unix_pair_make(restore, end, &fd, &other, err);

	if (!code)
		room_make(end, other);
	for (size_t i = 0; i < end->queue.n && !code; i++)
		code = unix_queue_send(
			restore, end->queue.at[i], other, NULL, 0, err);
	/* It went without having read all. */
	if (!code && end->entry->stasis_reset && write(fd, "", 1) != 1)
		code = err_errno(err, "writing to one that goes");
	if (!code && dup3(fd, fd_of(end), O_CLOEXEC) < 0)
		code = err_errno(err, "putting a unix socket in its place");
	return code;
}

static int end_fill(struct restore *restore, struct unix_ends *ends,
	struct unix_end *end, struct err *err)
{
	int code;

	if (end->filled || end->entry->uflags)
		return 0;
	end->filled = true;
	if (unix_is_orphan(end) && (end->queue.n || end->entry->stasis_reset))
		return orphan_fill(restore, end, err);
	if (!end->queue.n)
		return 0;
	code = passing_set(end, err);
	if (!code && end->peer && !unix_is_outside(end->peer))
		room_make(end, fd_of(end->peer));
	for (size_t i = 0; i < end->queue.n && !code; i++)
		code = packet_fill(restore, ends, end, i, err);
	return code;
}

static int outside_connect(
	struct restore *restore, struct unix_end *end, struct err *err)
{
	const UnixSkEntry *to = end->peer->entry;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t begin = offsetof(struct sockaddr_un, sun_path);

	(void)restore;
	if (!to->name.len || to->name.len > sizeof(address.sun_path))
		return err_set(err, EBADMSG,
			"it is connected to a unix socket outside of the tree "
			"that has no name");
	memcpy(address.sun_path, to->name.data, to->name.len);
	if (connect(fd_of(end), (struct sockaddr *)&address,
		    begin + (socklen_t)to->name.len) == 0)
		return 0;
	err_errno(err, "connecting to the unix socket '%s%.*s'",
		to->name.data[0] ? "" : "@",
		(int)to->name.len - !to->name.data[0],
		(const char *)to->name.data + !to->name.data[0]);
	return err_hint(err, "start the program that it belongs to");
}

/* Whoever talks to it comes first: then it hears its own peer alone. */
static int end_join(struct restore *restore, struct unix_end *end, int depth,
	struct err *err)
{
	struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	int code = 0;

	if (end->joined || depth > 1000 || end->entry->uflags)
		return 0;
	end->joined = true;
	for (size_t i = 0; i < end->callers.n && !code; i++)
		if (end->callers.at[i] != end->peer)
			code = end_join(
				restore, end->callers.at[i], depth + 1, err);
	if (code || end->waits)
		return code;
	if (end->peer && unix_is_outside(end->peer))
		return outside_connect(restore, end, err);
	if (unix_is_stream(end) || unix_is_made_with_peer(end))
		return 0;
	/* The one end of a pair has found another one since, or none. */
	if (!end->peer && unix_caller_only(end))
		return connect(fd_of(end), &nobody, sizeof(nobody))
			       ? err_errno(err, "disconnecting a unix socket")
			       : 0;
	if (!end->peer || unix_caller_only(end->peer) == end)
		return 0;
	return unix_fd_connect(
		fd_of(end), NULL, fd_of(end->peer), end->peer->entry, err);
}

static int waiting_connect(
	struct unix_ends *ends, struct unix_end *host, struct err *err)
{
	struct unix_end *end;
	int code = 0;

	for (size_t i = 0; i < host->entry->n_stasis_waiting && !code; i++) {
		end = index_get(&ends->by_ino, host->entry->stasis_waiting[i]);
		if (!end || fd_of(end) < 0)
			return err_set(err, EBADMSG,
				"a connection that waits is not in the image");
		code = unix_fd_connect(
			fd_of(end), NULL, fd_of(host), host->entry, err);
	}
	return code;
}

static int end_finish(struct unix_end *end, struct err *err)
{
	const UnixSkEntry *entry = end->entry;
	int fd = fd_of(end), code = 0;

	if (end->done || entry->uflags & UNIX_OUTSIDE)
		return 0;
	end->done = true;
	/* SHUT_RD and SHUT_WR are one less than what the format has. */
	if (entry->has_shutdown && entry->shutdown && !unix_is_orphan(end) &&
		!(entry->uflags & UNIX_CLIENT) &&
		shutdown(fd, (int)entry->shutdown - 1) && errno != ENOTCONN)
		code = err_errno(err, "shutting a unix socket");
	return code ?: unix_opts_restore(fd, entry, err) ?:
	       fown_flags_set(fd, entry->flags, err);
}

static int end_told(int code, const struct unix_end *end, struct err *err)
{
	char name[OBJECT_NAME];

	return code ? err_wrap(err, "%s", object_name(end->object, name)) : 0;
}

/* All that the coordinator made, in one go, with the first of them. */
static int shelf_link(
	struct restore *restore, struct unix_ends *ends, struct err *err)
{
	int code = 0;

	ends->shelf_linked = true;
	for (size_t i = 0; i < ends->list.n && !code; i++)
		if (fd_of(ends->list.at[i]) >= 0)
			code = end_told(
				end_fill(restore, ends, ends->list.at[i], err),
				ends->list.at[i], err);
	for (size_t i = 0; i < ends->list.n && !code; i++)
		if (fd_of(ends->list.at[i]) >= 0)
			code = end_join(restore, ends->list.at[i], 0, err);
	for (size_t i = 0; i < ends->list.n && !code; i++)
		if (fd_of(ends->list.at[i]) >= 0)
			code = waiting_connect(ends, ends->list.at[i], err);
	for (size_t i = 0; i < ends->list.n && !code; i++)
		if (fd_of(ends->list.at[i]) >= 0)
			code = end_finish(ends->list.at[i], err);
	return code;
}

int unix_join_link(
	struct restore *restore, struct object *object, int fd, struct err *err)
{
	struct unix_end *end = object->images;
	struct unix_ends *ends = object->common;

	(void)fd;
	if (!object->apart)
		return ends->shelf_linked ? 0 : shelf_link(restore, ends, err);
	return end_fill(restore, ends, end, err) ?:
	       end_fill(restore, ends, end->peer, err) ?:
	       end_finish(end, err);
}
