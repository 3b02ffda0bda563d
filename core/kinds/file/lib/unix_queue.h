/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unix_queue: what waits in a unix socket to be read: bytes or messages, files
 * that travel with them, who sent them.
 *
 * Dumping takes nothing out (MSG_PEEK). Where one look does not show all, the
 * socket's SO_PEEK_OFF is moved meanwhile, which a reader that peeks would
 * see; it is put back at once.
 */
#ifndef STASIS_KINDS_FILE_LIB_UNIX_QUEUE_H
#define STASIS_KINDS_FILE_LIB_UNIX_QUEUE_H

#include <sys/socket.h>
#include <sys/un.h>

#include "model/dump.h"
#include "model/restore.h"
#include "proto/sockets.pb-c.h"

struct unix_packet {
	const uint8_t *bytes;
	size_t size;
	const int *fds; /* ours: copies of files in flight */
	size_t n_fds;
	const uint8_t *from; /* name of the sender, as unix_sk_entry has it */
	size_t from_size;    /* 0: it has none */
	bool has_cred;
	struct ucred cred;
};

struct unix_queue {
	VEC(struct unix_packet) packets;
};

/* fd: of the socket, a copy of the victim's. stream: no boundaries. memory:
 * what its peer has sent and is not read yet takes, in bytes (sock_diag's
 * wqueue); 0: not known. */
int unix_queue_peek(struct arena *arena, int fd, bool stream, size_t memory,
	struct unix_queue *ret, struct err *err);

/* Into sk-queues.img; files in flight become entries of files.img. id: of the
 * socket. */
int unix_queue_store(struct dump *dump, uint32_t id,
	const struct unix_queue *queue, struct err *err);

/* One packet of the image into a socket's queue. from: another socket that
 * may send to it; to: its address, NULL where they are connected. */
int unix_queue_send(struct restore *restore, const struct image_item *item,
	int from, const struct sockaddr_un *to, socklen_t to_size,
	struct err *err);

#endif
