/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unix: sockets of the family AF_UNIX.
 *
 * Who is connected to whom, and who waits to be accepted, the kernel tells
 * (sock_diag(7)); the rest is read off a copy of the socket. What waits in it
 * is stored when all sockets were seen, since it may carry more of them.
 *
 * On the way back pairs are made as pairs, by socketpair(2) or, where one has
 * the name of a listener, by being accepted; then, when all are there, queues
 * are filled and the rest is connected (lib/unix_join.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "kinds/file/lib/fown.h"
#include "kinds/file/lib/sockopts.h"
#include "kinds/file/lib/unix_client.h"
#include "kinds/file/lib/unix_join.h"
#include "kinds/file/lib/unix_name.h"
#include "kinds/file/lib/unix_opts.h"
#include "kinds/file/lib/unix_queue.h"
#include "kinds/table.h"
#include "model/dump.h"
#include "model/external.h"
#include "model/restore.h"

static bool unix_claims(const struct sighting *sighting)
{
	uint32_t family;

	return sighting->fd_number >= 0 && S_ISSOCK(sighting->stat.st_mode) &&
	       sockopt_get(sighting->fd, SOL_SOCKET, SO_DOMAIN, &family) &&
	       family == AF_UNIX;
}

/* --- dump ---------------------------------------------------------------- */

/* One that was captured. */
struct seen {
	UnixSkEntry *entry;
	const struct sockdiag_unix *diag;
	struct unix_queue queue;
	pid_t pid;
	const char *where;
	bool stored; /* its queue */
};

struct unix_seen {
	struct sockdiag_unixes all; /* of the network namespace */
	VEC(struct seen *) list;
	struct index by_ino; /* struct seen; of what was captured */
	VEC(int) in_flight;  /* copies of files, kept open */
};

static int seen_begin(struct dump *dump, struct err *err)
{
	struct unix_seen *seen;
	int code;

	if (dump->unix_seen)
		return 0;
	seen = arena_new1(dump->arena, struct unix_seen);
	code = sockdiag_collect_unix(dump->arena, &seen->all, err);
	if (!code)
		dump->unix_seen = seen;
	return code;
}

static const struct sockdiag_unix *diag_find(
	const struct dump *dump, uint32_t ino)
{
	return ino ? sockdiag_find_unix(&dump->unix_seen->all, ino) : NULL;
}

/* Who made the other end. */
static void peer_capture(const struct dump *dump, int fd, UnixSkEntry *entry)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) ||
		cred.uid == (uid_t)-1)
		return;
	entry->has_stasis_pid = entry->has_stasis_uid = entry->has_stasis_gid =
		true;
	entry->stasis_pid = (uint32_t)dump_pid_in_images(dump, cred.pid);
	entry->stasis_uid = cred.uid;
	entry->stasis_gid = cred.gid;
}

static bool error_waits(int fd)
{
	struct pollfd poller = {.fd = fd};

	return poll(&poller, 1, 0) == 1 && poller.revents & POLLERR;
}

/* Those that wait to be accepted, each of which must have said nothing yet:
 * what it said lies where nobody can look. */
static int waiting_capture(struct dump *dump, const struct sockdiag_unix *diag,
	UnixSkEntry *entry, struct err *err)
{
	const struct sockdiag_unix *client;

	entry->stasis_waiting =
		arena_newn(dump->arena, uint32_t, diag->icons_n + 1);
	for (size_t i = 0; i < diag->icons_n; i++) {
		client = diag_find(dump, diag->icons[i]);
		if (!client || client->wqueue) {
			err_set(err, EOPNOTSUPP,
				client ? "a connection waits to be accepted, "
					 "and something was written to it "
					 "already"
				       : "a connection waits to be accepted "
					 "whose other end is closed already");
			return err_hint(err, "dump at a moment when all "
					     "connections are accepted");
		}
		entry->stasis_waiting[entry->n_stasis_waiting++] =
			diag->icons[i];
	}
	return 0;
}

static uint32_t shutdown_of(const struct sockdiag_unix *diag)
{
	return diag->shutdown; /* as sk_shutdown has it: 1 read, 2 write */
}

static int facts_capture(struct dump *dump, const struct sighting *sighting,
	const struct sockdiag_unix *diag, UnixSkEntry *entry, struct err *err)
{
	entry->ino = diag->ino;
	entry->type = diag->type;
	entry->state = diag->state;
	entry->peer = diag->peer;
	entry->flags = sighting->info.flags & ~(uint32_t)O_CLOEXEC;
	entry->backlog = diag->state == TCP_LISTEN ? diag->wqueue : 0;
	if (shutdown_of(diag)) {
		entry->has_shutdown = true;
		entry->shutdown = (SkShutdown)shutdown_of(diag);
	}
	peer_capture(dump, sighting->fd, entry);
	if (error_waits(sighting->fd))
		entry->has_stasis_reset = entry->stasis_reset = true;
	return unix_name_capture(dump, sighting, diag, entry, err) ?:
	       unix_opts_capture(dump, sighting->fd, entry, err) ?:
	       fown_capture(dump, sighting, &entry->fown, err) ?:
	       (diag->state == TCP_LISTEN
			       ? waiting_capture(dump, diag, entry, err)
			       : 0);
}

static int queue_capture(struct dump *dump, const struct sighting *sighting,
	struct seen *seen, struct err *err)
{
	const struct sockdiag_unix *peer = diag_find(dump, seen->entry->peer);
	struct unix_packet *packet;
	int code;

	if (seen->entry->state == TCP_LISTEN)
		return 0;
	code = unix_queue_peek(dump->arena, sighting->fd,
		seen->entry->type == SOCK_STREAM, peer ? peer->wqueue : 0,
		&seen->queue, err);
	for (size_t i = 0; i < seen->queue.packets.n; i++) {
		packet = &seen->queue.packets.at[i];
		for (size_t k = 0; k < packet->n_fds; k++)
			*vec_push(dump->arena, &dump->unix_seen->in_flight) =
				packet->fds[k];
	}
	return code;
}

static int unix_capture(struct dump *dump, const struct sighting *sighting,
	void *msg, struct err *err)
{
	UnixSkEntry *entry = arena_new1(dump->arena, UnixSkEntry);
	struct seen *seen = arena_new1(dump->arena, struct seen);
	FileEntry *file = msg;
	int code = seen_begin(dump, err);

	if (code)
		return code;
	unix_sk_entry__init(entry);
	file->type = FD_TYPES__UNIXSK;
	file->usk = entry;
	entry->id = file->id;
	*seen = (struct seen){.entry = entry,
		.diag = diag_find(dump, (uint32_t)sighting->stat.st_ino),
		.pid = sighting->victim->pid,
		.where = arena_strdup(dump->arena, sighting->where)};
	if (!seen->diag)
		return err_set(err, EOPNOTSUPP,
			"it is a unix socket of another network namespace");
	code = facts_capture(dump, sighting, seen->diag, entry, err);
	if (code)
		return code;
	if (unix_client_is(dump, sighting)) {
		entry->uflags = UNIX_CLIENT;
		entry->peer = 0;
		return 0;
	}
	*index_slot(dump->arena, &dump->unix_seen->by_ino, entry->ino) = seen;
	*vec_push(dump->arena, &dump->unix_seen->list) = seen;
	return queue_capture(dump, sighting, seen, err);
}

static bool is_allowed(const struct dump *dump, const struct seen *seen)
{
	const struct options *opt = dump->run->opt;
	char name[32];

	snprintf(name, sizeof(name), "unix[%u]", seen->entry->ino);
	if (dump_external((struct dump *)dump, name))
		return true;
	for (size_t i = 0; i < opt->ext_unix_inodes.n; i++)
		if (opt->ext_unix_inodes.at[i] == seen->entry->ino)
			return true;
	return opt->ext_unix && !opt->ext_unix_inodes.n;
}

static int outside_refuse(const struct seen *seen,
	const struct sockdiag_unix *peer, struct err *err)
{
	const char *name = peer ? (const char *)peer->name : "";
	size_t size = peer ? peer->name_size : 0;

	err_set(err, EOPNOTSUPP,
		"process %d: %s is a unix socket (inode %u) that is connected "
		"to one outside of the tree (inode %u%s%.*s)",
		seen->pid, seen->where, seen->entry->ino, seen->entry->peer,
		size ? ", " : "", (int)(size && name[0] ? size : 0), name);
	return err_hint(err,
		"dump a tree that has both ends, or allow it with "
		"--external 'unix[%u]' (or --ext-unix-sk for all): at restore "
		"it is connected again by name",
		seen->entry->ino);
}

/* Of one outside only the name is stored. */
static int outside_store(
	struct dump *dump, const struct sockdiag_unix *peer, struct err *err)
{
	void **known = book_slot(
		dump->arena, &dump->book, "unix outside", peer->ino, 0);
	UnixSkEntry entry = UNIX_SK_ENTRY__INIT;
	SkOptsEntry opts = SK_OPTS_ENTRY__INIT;
	FownEntry fown = FOWN_ENTRY__INIT;
	FileEntry file = FILE_ENTRY__INIT;

	if (*known)
		return 0;
	*known = dump;
	file.type = FD_TYPES__UNIXSK;
	file.id = entry.id = dump_file_id(dump);
	file.usk = &entry;
	entry.ino = peer->ino;
	entry.type = peer->type;
	entry.state = peer->state == TCP_LISTEN ? TCP_LISTEN : TCP_CLOSE;
	entry.flags = O_RDWR;
	entry.uflags = UNIX_OUTSIDE;
	entry.name =
		(ProtobufCBinaryData){peer->name_size, (uint8_t *)peer->name};
	entry.fown = &fown;
	entry.opts = &opts;
	return image_append(
		dump->images, IMAGE_FILES, 0, &file.base, NULL, 0, err);
}

static int peer_check(
	struct dump *dump, const struct seen *seen, struct err *err)
{
	const struct sockdiag_unix *peer = diag_find(dump, seen->entry->peer);

	if (!seen->entry->peer ||
		index_get(&dump->unix_seen->by_ino, seen->entry->peer))
		return 0;
	if (!peer || !is_allowed(dump, seen))
		return outside_refuse(seen, peer, err);
	if (!peer->name_size)
		return err_set(err, EOPNOTSUPP,
			"process %d: %s is connected to a unix socket outside "
			"of the tree (inode %u) that has no name to find it by",
			seen->pid, seen->where, peer->ino);
	return outside_store(dump, peer, err);
}

static int waiting_check(
	struct dump *dump, const struct seen *seen, struct err *err)
{
	for (size_t i = 0; i < seen->entry->n_stasis_waiting; i++) {
		if (index_get(&dump->unix_seen->by_ino,
			    seen->entry->stasis_waiting[i]))
			continue;
		err_set(err, EOPNOTSUPP,
			"process %d: %s is a unix socket to which somebody "
			"outside of the tree is connected (inode %u), and "
			"waits to be accepted",
			seen->pid, seen->where, seen->entry->stasis_waiting[i]);
		return err_hint(err, "dump at a moment when all connections "
				     "are accepted");
	}
	return 0;
}

/* Files in flight may be sockets, in whose queues there are files. */
static int unix_finish(struct dump *dump, struct err *err)
{
	struct unix_seen *all = dump->unix_seen;
	struct seen *seen;
	int code = 0;

	for (size_t i = 0; all && i < all->list.n && !code; i++) {
		seen = all->list.at[i];
		code = unix_queue_store(
			dump, seen->entry->id, &seen->queue, err);
		if (code)
			err_wrap(err, "process %d: %s", seen->pid, seen->where);
	}
	for (size_t i = 0; all && i < all->list.n && !code; i++)
		code = peer_check(dump, all->list.at[i], err)
			       ?: waiting_check(dump, all->list.at[i], err);
	return code;
}

/* --- restore ------------------------------------------------------------- */

static int unix_key(struct restore *restore, const struct object *object,
	struct object_key *ret, struct err *err)
{
	const UnixSkEntry *entry = object->entry->usk;

	(void)err;
	ret->name = arena_printf(restore->arena, "socket:[%u]", entry->ino);
	ret->flags = entry->flags;
	return 0;
}

static int unix_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const UnixSkEntry *entry = object->entry->usk;

	(void)err;
	fown_emit(tape, holder, entry->fown, entry->flags);
	return 0;
}

static void unix_release(struct restore *restore, bool failed)
{
	unix_names_release(restore, failed);
}

const struct kind kind_unix = {
	.name = "unix socket",
	.scope = SCOPE_FILE,
	.tag = FD_TYPES__UNIXSK,
	.schema = &unix_sk_entry__descriptor,
	.claims = unix_claims,
	.capture = unix_capture,
	.finish = unix_finish,
	.load = unix_join_load,
	.plan = unix_join_plan,
	.key = unix_key,
	.make = unix_join_make,
	.link = unix_join_link,
	.release = unix_release,
	.emit = unix_emit,
};
