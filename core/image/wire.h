/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire: a look at packed messages before protobuf-c unpacks them, which
 * recurses without limit: messages in messages may be WIRE_DEPTH deep.
 *
 * Only nesting and sizes of known sub-messages are looked at; all else is
 * the business of the unpacker, but for repeated numbers (wire_gather).
 */
#ifndef STASIS_IMAGE_WIRE_H
#define STASIS_IMAGE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

enum { WIRE_DEPTH = 100 };

/* 0 or -EBADMSG. */
int wire_check(const ProtobufCMessageDescriptor *message, const uint8_t *bytes,
	size_t size);

/* The same message in at most size bytes, in another place: repeated numbers,
 * which most writers put down one by one, are packed, in messages within it,
 * too. The unpacker notes down each field of a message before it unpacks the
 * first, which for a number takes 16 times its bytes. Only of what wire_check
 * has found good. Returns the new size. */
size_t wire_gather(const ProtobufCMessageDescriptor *message,
	const uint8_t *bytes, size_t size, uint8_t *to);

#endif
