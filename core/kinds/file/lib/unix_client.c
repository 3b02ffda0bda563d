/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/unix_client.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "proto/rpc.pb-c.h"

bool unix_client_is(const struct dump *dump, const struct sighting *sighting)
{
	return dump->run->client_socket &&
	       sighting->stat.st_ino == dump->run->client_socket;
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

int unix_client_make(int *ret_fd, struct err *err)
{
	_cleanup_fd_ int ours = -1, theirs = -1;
	int pair[2], code;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err_errno(err, "making a unix socket");
	theirs = pair[0];
	ours = pair[1];
	code = answer_leave(ours, err);
	if (!code)
		*ret_fd = fd_take(&theirs);
	return code;
}
