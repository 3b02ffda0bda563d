/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * payload: how many raw bytes follow a record, one rule for each image that
 * has such bytes. The rules trust nothing: a size that exceeds what is left
 * of the file is -EBADMSG. Used by the table of magic.c only.
 */
#ifndef STASIS_IMAGE_PAYLOAD_H
#define STASIS_IMAGE_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

int payload_pipe(const ProtobufCMessage *msg, const uint8_t *at, size_t left,
	size_t *ret_size);
int payload_packet(const ProtobufCMessage *msg, const uint8_t *at, size_t left,
	size_t *ret_size);
int payload_shm(const ProtobufCMessage *msg, const uint8_t *at, size_t left,
	size_t *ret_size);
int payload_queue(const ProtobufCMessage *msg, const uint8_t *at, size_t left,
	size_t *ret_size);
int payload_sems(const ProtobufCMessage *msg, const uint8_t *at, size_t left,
	size_t *ret_size);
int payload_ghost(const ProtobufCMessage *msg, const uint8_t *at, size_t left,
	size_t *ret_size);
int payload_tcp(const ProtobufCMessage *msg, const uint8_t *at, size_t left,
	size_t *ret_size);
int payload_bpfmap(const ProtobufCMessage *msg, const uint8_t *at, size_t left,
	size_t *ret_size);
int payload_seal(const ProtobufCMessage *msg, const uint8_t *at, size_t left,
	size_t *ret_size);

#endif
