/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unix_ends: the unix sockets of an image and how they hang together, as the
 * parts of unix_join see them.
 */
#ifndef STASIS_KINDS_FILE_LIB_UNIX_ENDS_H
#define STASIS_KINDS_FILE_LIB_UNIX_ENDS_H

#include <netinet/tcp.h>
#include <sys/socket.h>

#include "kinds/file/lib/unix_join.h"
#include "proto/sockets.pb-c.h"

/* One socket of the images. */
struct unix_end {
	struct object *object;
	const UnixSkEntry *entry;
	struct unix_end *peer;	   /* whom it sends to; NULL: nobody */
	struct unix_end *host;	   /* of one that was accepted: the listener */
	struct unix_end *listener; /* where it waits to be accepted */
	VEC(const struct image_item *) queue;
	VEC(struct unix_end *) callers; /* datagrams: who sends to it */
	int made;			/* by its peer, for it; -1: no */
	bool waits;			/* to be accepted */
	bool filled, joined, done;
};

struct unix_ends {
	VEC(struct unix_end *) list;
	struct index by_ino;
	struct index by_id;
	bool shelf_linked;
};

static inline bool unix_is_stream(const struct unix_end *end)
{
	return end->entry->type != SOCK_DGRAM;
}

static inline bool unix_is_outside(const struct unix_end *end)
{
	return end->entry->uflags & UNIX_OUTSIDE;
}

/* A stream whose other end is gone. */
static inline bool unix_is_orphan(const struct unix_end *end)
{
	return unix_is_stream(end) && end->entry->state == TCP_ESTABLISHED &&
	       !end->peer && !end->waits;
}

static inline const SkPacketEntry *unix_packet_of(
	const struct unix_end *end, size_t i)
{
	return (const SkPacketEntry *)end->queue.at[i]->msg;
}

/* The two are made at once. */
bool unix_is_made_with_peer(const struct unix_end *end);
/* A datagram socket without a name can only be reached by one that it was
 * made with: that one, or NULL. */
struct unix_end *unix_caller_only(const struct unix_end *end);

int unix_socket_make(const UnixSkEntry *entry, int *ret_fd, struct err *err);
/* Both ends of a connection, the second for whoever is the other one. */
int unix_pair_make(struct restore *restore, struct unix_end *end, int *ret_fd,
	int *ret_other, struct err *err);
/* as: the entry that tells who connects; NULL: it does not matter. target: the
 * socket that is connected to, which to is about. */
int unix_fd_connect(int fd, const UnixSkEntry *as, int target,
	const UnixSkEntry *to, struct err *err);

#endif
