/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/payload.h"

#include <errno.h>
#include <string.h>

#include "proto/bpf.pb-c.h"
#include "proto/ipc.pb-c.h"
#include "proto/paths.pb-c.h"
#include "proto/pipes.pb-c.h"
#include "proto/sockets.pb-c.h"

/* Of the head of a message of a queue, two numbers. */
enum { LETTER_MAX = 4096 };

static int payload_take(uint64_t size, size_t left, size_t *ret_size)
{
	if (size > left)
		return -EBADMSG;
	*ret_size = (size_t)size;
	return 0;
}

static uint64_t pad(uint64_t size, uint64_t to)
{
	return (size + to - 1) / to * to;
}

int payload_pipe(const ProtobufCMessage *msg, const uint8_t *at, size_t left,
	size_t *ret_size)
{
	(void)at;
	return payload_take(
		((const PipeDataEntry *)msg)->bytes, left, ret_size);
}

int payload_packet(const ProtobufCMessage *msg, const uint8_t *at, size_t left,
	size_t *ret_size)
{
	(void)at;
	return payload_take(
		((const SkPacketEntry *)msg)->length, left, ret_size);
}

int payload_shm(const ProtobufCMessage *msg, const uint8_t *at, size_t left,
	size_t *ret_size)
{
	const IpcShmEntry *shm = (const IpcShmEntry *)msg;

	(void)at;
	if (shm->has_in_pagemaps && shm->in_pagemaps)
		return payload_take(0, left, ret_size);
	if (shm->size > left)
		return -EBADMSG;
	return payload_take(pad(shm->size, 4), left, ret_size);
}

/* A message of a queue is a record in itself: size, ipc_msg, bytes. */
static int payload_letter(const uint8_t *at, size_t left, size_t *ret_size)
{
	uint32_t size;
	uint64_t room;
	IpcMsg *msg;

	if (left < sizeof(size))
		return -EBADMSG;
	memcpy(&size, at, sizeof(size));
	if (size > left - sizeof(size) || size > LETTER_MAX)
		return -EBADMSG;
	msg = ipc_msg__unpack(NULL, size, at + sizeof(size));
	if (!msg)
		return -EBADMSG;
	room = pad(msg->msize, 8);
	ipc_msg__free_unpacked(msg, NULL);
	return payload_take(sizeof(size) + size + room, left, ret_size);
}

int payload_queue(const ProtobufCMessage *msg, const uint8_t *at, size_t left,
	size_t *ret_size)
{
	const IpcMsgEntry *queue = (const IpcMsgEntry *)msg;
	size_t size = 0, one;

	for (uint32_t i = 0; i < queue->qnum; i++) {
		if (payload_letter(at + size, left - size, &one) < 0)
			return -EBADMSG;
		size += one;
	}
	return payload_take(size, left, ret_size);
}

int payload_sems(const ProtobufCMessage *msg, const uint8_t *at, size_t left,
	size_t *ret_size)
{
	uint64_t nsems = ((const IpcSemEntry *)msg)->nsems;

	(void)at;
	return payload_take(pad(nsems * 2, 8), left, ret_size);
}

/* A small file is all that is left; a chunk knows its size. */
int payload_ghost(const ProtobufCMessage *msg, const uint8_t *at, size_t left,
	size_t *ret_size)
{
	const GhostFileEntry *ghost = (const GhostFileEntry *)msg;

	(void)at;
	if (msg->descriptor == &ghost_chunk_entry__descriptor)
		return payload_take(
			((const GhostChunkEntry *)msg)->len, left, ret_size);
	if (ghost->has_chunks && ghost->chunks)
		return payload_take(0, left, ret_size);
	return payload_take(left, left, ret_size);
}

int payload_tcp(const ProtobufCMessage *msg, const uint8_t *at, size_t left,
	size_t *ret_size)
{
	const TcpStreamEntry *tcp = (const TcpStreamEntry *)msg;

	(void)at;
	return payload_take(
		(uint64_t)tcp->inq_len + tcp->outq_len, left, ret_size);
}

int payload_bpfmap(const ProtobufCMessage *msg, const uint8_t *at, size_t left,
	size_t *ret_size)
{
	const BpfmapDataEntry *map = (const BpfmapDataEntry *)msg;

	(void)at;
	return payload_take(
		(uint64_t)map->keys_bytes + map->values_bytes, left, ret_size);
}

/* The digest of the manifest itself. */
int payload_seal(const ProtobufCMessage *msg, const uint8_t *at, size_t left,
	size_t *ret_size)
{
	(void)msg;
	(void)at;
	return payload_take(sizeof(uint64_t), left, ret_size);
}
