/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire: a look at packed messages before protobuf-c unpacks them, which
 * recurses without limit: messages in messages may be WIRE_DEPTH deep.
 *
 * Only nesting and sizes of known sub-messages are looked at; all else is
 * the business of the unpacker.
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

#endif
