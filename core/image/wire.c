/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/wire.h"

#include <errno.h>
#include <stdbool.h>

struct wire {
	const uint8_t *at, *end;
};

static bool wire_number(struct wire *wire, uint64_t *ret)
{
	uint64_t value = 0;

	for (int shift = 0; shift < 70; shift += 7) {
		if (wire->at == wire->end)
			return false;
		if (shift < 64)
			value |= (uint64_t)(*wire->at & 0x7f) << shift;
		if (!(*wire->at++ & 0x80)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

static bool wire_skip(struct wire *wire, uint64_t size)
{
	if (size > (uint64_t)(wire->end - wire->at))
		return false;
	wire->at += size;
	return true;
}

static const ProtobufCMessageDescriptor *field_message(
	const ProtobufCMessageDescriptor *message, uint64_t tag)
{
	const ProtobufCFieldDescriptor *field;

	if (!message || tag > UINT32_MAX)
		return NULL;
	field = protobuf_c_message_descriptor_get_field(message, (unsigned)tag);
	return field && field->type == PROTOBUF_C_TYPE_MESSAGE
		       ? field->descriptor
		       : NULL;
}

static bool message_check(
	const ProtobufCMessageDescriptor *message, struct wire wire, int depth);

/* A field with a size: a sub-message, or bytes that are passed by. */
static bool sized_check(
	const ProtobufCMessageDescriptor *inner, struct wire *wire, int depth)
{
	const uint8_t *from;
	uint64_t size;

	if (!wire_number(wire, &size))
		return false;
	from = wire->at;
	if (!wire_skip(wire, size))
		return false;
	if (!inner)
		return true;
	return depth < WIRE_DEPTH &&
	       message_check(inner, (struct wire){from, wire->at}, depth + 1);
}

static bool message_check(
	const ProtobufCMessageDescriptor *message, struct wire wire, int depth)
{
	uint64_t key, value;
	bool good = true;

	while (good && wire.at < wire.end) {
		if (!wire_number(&wire, &key))
			return false;
		switch (key & 7) {
		case PROTOBUF_C_WIRE_TYPE_VARINT:
			good = wire_number(&wire, &value);
			break;
		case PROTOBUF_C_WIRE_TYPE_64BIT:
			good = wire_skip(&wire, 8);
			break;
		case PROTOBUF_C_WIRE_TYPE_32BIT:
			good = wire_skip(&wire, 4);
			break;
		case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
			good = sized_check(
				field_message(message, key >> 3), &wire, depth);
			break;
		default:
			return false;
		}
	}
	return good;
}

int wire_check(const ProtobufCMessageDescriptor *message, const uint8_t *bytes,
	size_t size)
{
	struct wire wire = {bytes, bytes + size};

	return message_check(message, wire, 0) ? 0 : -EBADMSG;
}
