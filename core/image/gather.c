/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Repeated numbers that stand one by one, together. */
#include <stdbool.h>
#include <string.h>

#include "image/wire.h"

struct place {
	const uint8_t *at, *end;
	uint8_t *to;
};

/* All was looked at by wire_check: there is a number, and it ends. */
static uint64_t number_read(const uint8_t **at)
{
	uint64_t value = 0;

	for (int shift = 0;; shift += 7) {
		if (shift < 64)
			value |= (uint64_t)(**at & 0x7f) << shift;
		if (!(*(*at)++ & 0x80))
			return value;
	}
}

/* In so many bytes, or in as few as it takes (0). */
static uint8_t *number_write(uint8_t *to, uint64_t value, size_t size)
{
	uint8_t *end = to + size;

	while (value >= 0x80 || (size && to + 1 < end)) {
		*to++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*to++ = (uint8_t)value;
	return to;
}

static const uint8_t *value_end(const uint8_t *at, unsigned wire_type)
{
	uint64_t size;

	switch (wire_type) {
	case PROTOBUF_C_WIRE_TYPE_64BIT:
		return at + 8;
	case PROTOBUF_C_WIRE_TYPE_32BIT:
		return at + 4;
	case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
		size = number_read(&at);
		return at + size;
	default:
		number_read(&at);
		return at;
	}
}

static void bytes_put(struct place *place, const uint8_t *from, size_t size)
{
	memcpy(place->to, from, size);
	place->to += size;
}

/* Fields with the same key that follow each other, if that saves anything. */
static bool numbers_gather(struct place *place, uint64_t key)
{
	const uint8_t *at = place->at, *value, *end;
	size_t n = 0, size = 0, key_size = 0;
	uint8_t head[20], *head_end;

	while (at < place->end && (value = at, number_read(&value) == key)) {
		end = value_end(value, key & 7);
		key_size += (size_t)(value - at);
		size += (size_t)(end - value);
		at = end;
		n++;
	}
	head_end = number_write(
		head, (key & ~7ull) | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, 0);
	head_end = number_write(head_end, size, 0);
	if (n < 2 || (size_t)(head_end - head) > key_size)
		return false;
	bytes_put(place, head, (size_t)(head_end - head));
	for (at = place->at; n; n--, at = end) {
		value = at;
		number_read(&value);
		end = value_end(value, key & 7);
		bytes_put(place, value, (size_t)(end - value));
	}
	place->at = at;
	return true;
}

static void message_gather(
	const ProtobufCMessageDescriptor *message, struct place *place);

/* Its length is written in as many bytes as before, whatever it takes. */
static void inner_gather(const ProtobufCMessageDescriptor *inner,
	const uint8_t *value, struct place *place)
{
	const uint8_t *content = value;
	uint64_t size = number_read(&content);
	struct place in = {.at = content,
		.end = content + size,
		.to = place->to + (content - place->at)};

	memcpy(place->to, place->at, (size_t)(value - place->at));
	message_gather(inner, &in);
	size = (uint64_t)(in.to - (place->to + (content - place->at)));
	number_write(place->to + (value - place->at), size,
		(size_t)(content - value));
	place->at = in.end;
	place->to = in.to;
}

static bool is_number(const ProtobufCFieldDescriptor *field, unsigned wire_type)
{
	return field && field->label == PROTOBUF_C_LABEL_REPEATED &&
	       wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED &&
	       field->type < PROTOBUF_C_TYPE_STRING;
}

static void message_gather(
	const ProtobufCMessageDescriptor *message, struct place *place)
{
	const ProtobufCFieldDescriptor *field;
	const uint8_t *value, *end;
	uint64_t key;

	while (place->at < place->end) {
		value = place->at;
		key = number_read(&value);
		field = key >> 3 > UINT32_MAX
				? NULL
				: protobuf_c_message_descriptor_get_field(
					  message, (unsigned)(key >> 3));
		if (is_number(field, key & 7) && numbers_gather(place, key))
			continue;
		if (field && field->type == PROTOBUF_C_TYPE_MESSAGE &&
			(key & 7) == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
			inner_gather(field->descriptor, value, place);
			continue;
		}
		end = value_end(value, key & 7);
		bytes_put(place, place->at, (size_t)(end - place->at));
		place->at = end;
	}
}

size_t wire_gather(const ProtobufCMessageDescriptor *message,
	const uint8_t *bytes, size_t size, uint8_t *to)
{
	struct place place = {.at = bytes, .end = bytes + size, .to = to};

	message_gather(message, &place);
	return (size_t)(place.to - to);
}
