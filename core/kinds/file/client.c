/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * client: the socket over which a process has asked to be dumped itself.
 *
 * Its other end is ours and ends with us. What comes back is a socket on
 * which a new answer waits: that the process has been restored. The message
 * is that of all unix sockets, whose other sorts are refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "kinds/file/lib/fown.h"
#include "kinds/file/lib/sockopts.h"
#include "kinds/table.h"
#include "model/dump.h"
#include "model/restore.h"
#include "proto/rpc.pb-c.h"

enum { CLIENT_CALLBACK = 4 /* uflags: such a socket */ };

static bool client_claims(const struct sighting *sighting)
{
	uint32_t family, type;

	return sighting->fd_number >= 0 && S_ISSOCK(sighting->stat.st_mode) &&
	       sockopt_get(sighting->fd, SOL_SOCKET, SO_DOMAIN, &family) &&
	       sockopt_get(sighting->fd, SOL_SOCKET, SO_TYPE, &type) &&
	       family == AF_UNIX && type == SOCK_SEQPACKET;
}

static int client_refuse(const struct sighting *sighting, struct err *err)
{
	err_set(err, ENOTSUP,
		"process %d: %s is a unix socket, which cannot be dumped yet",
		sighting->victim->pid, sighting->where);
	return err_hint(err, "let the process close it first");
}

static int client_capture(struct dump *dump, const struct sighting *sighting,
	void *msg, struct err *err)
{
	UnixSkEntry *unix_sk = arena_new1(dump->arena, UnixSkEntry);
	FileEntry *entry = msg;
	int code;

	if (!dump->run->client_socket ||
		sighting->stat.st_ino != dump->run->client_socket)
		return client_refuse(sighting, err);
	unix_sk_entry__init(unix_sk);
	entry->type = FD_TYPES__UNIXSK;
	entry->usk = unix_sk;
	unix_sk->id = entry->id;
	unix_sk->ino = (uint32_t)sighting->stat.st_ino;
	unix_sk->type = SOCK_SEQPACKET;
	unix_sk->state = TCP_ESTABLISHED;
	unix_sk->flags = sighting->info.flags & ~(uint32_t)O_CLOEXEC;
	unix_sk->uflags = CLIENT_CALLBACK;
	code = sockopts_capture(dump->arena, sighting->fd, &unix_sk->opts, err);
	return code ?: fown_capture(dump->arena, sighting, &unix_sk->fown, err);
}

/* What the process waits for since it asked. */
static int answer_leave(int socket, struct err *err)
{
	CriuResp resp = CRIU_RESP__INIT;
	CriuDumpResp dump = CRIU_DUMP_RESP__INIT;
	uint8_t bytes[64];
	size_t size;

	dump.has_restored = dump.restored = true;
	resp.type = CRIU_REQ_TYPE__DUMP;
	resp.success = true;
	resp.dump = &dump;
	size = criu_resp__pack(&resp, bytes);
	if (send(socket, bytes, size, MSG_NOSIGNAL) != (ssize_t)size)
		return err_errno(err, "answering a process that asked to be "
				      "dumped");
	return 0;
}

static int entry_check(const UnixSkEntry *unix_sk, struct err *err)
{
	if (unix_sk->uflags == CLIENT_CALLBACK &&
		unix_sk->type == SOCK_SEQPACKET &&
		unix_sk->state == TCP_ESTABLISHED)
		return 0;
	err_set(err, ENOTSUP,
		"it is a unix socket (socket:[%u]), which cannot be restored "
		"yet",
		unix_sk->ino);
	return err_hint(err, "restore it with the engine that made the image");
}

static int client_make(struct restore *restore, struct object *object,
	int *ret_fd, struct err *err)
{
	const UnixSkEntry *unix_sk = object->entry->usk;
	_cleanup_fd_ int ours = -1, theirs = -1;
	int pair[2], code;

	(void)restore;
	code = entry_check(unix_sk, err);
	if (code)
		return code;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_errno(err, "making a unix socket");
	theirs = pair[0];
	ours = pair[1];
	code = answer_leave(ours, err);
	if (!code)
		code = sockopts_restore(theirs, unix_sk->opts, err);
	if (!code)
		code = fown_flags_set(theirs, unix_sk->flags, err);
	if (!code)
		*ret_fd = fd_take(&theirs);
	return code;
}

static int client_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const UnixSkEntry *unix_sk = object->entry->usk;
	int code = entry_check(unix_sk, err);

	if (!code)
		fown_emit(tape, holder, unix_sk->fown, unix_sk->flags);
	return code;
}

const struct kind kind_client = {
	.name = "client",
	.scope = SCOPE_FILE,
	.tag = FD_TYPES__UNIXSK,
	.schema = &unix_sk_entry__descriptor,
	.claims = client_claims,
	.capture = client_capture,
	.make = client_make,
	.emit = client_emit,
};
