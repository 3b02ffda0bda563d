/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/tag_runs.h"

enum { TAG_BITS = 4, GROUP_BITS = 7, GROUP = 0x7f, MORE = 0x80 };

void tag_runs_end(struct arena *arena, struct tag_runs *runs)
{
	uint64_t number = runs->last.length << TAG_BITS | runs->last.tag;

	if (!runs->last.length)
		return;
	for (; number > GROUP; number >>= GROUP_BITS)
		*vec_push(arena, &runs->bytes) =
			(uint8_t)((number & GROUP) | MORE);
	*vec_push(arena, &runs->bytes) = (uint8_t)number;
	runs->last.length = 0;
}

void tag_runs_add(struct arena *arena, struct tag_runs *runs,
	const uint8_t *tags, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (tags[i] != runs->last.tag)
			tag_runs_end(arena, runs);
		runs->last.tag = tags[i] & TAG_MAX;
		runs->last.length++;
		runs->tagged |= tags[i] != 0;
	}
}

bool tag_runs_next(
	const uint8_t *bytes, size_t size, size_t *at, struct tag_run *ret)
{
	uint64_t number = 0;
	size_t i = *at;

	for (unsigned int shift = 0; shift < 64; shift += GROUP_BITS) {
		if (i == size)
			return false;
		number |= (uint64_t)(bytes[i] & GROUP) << shift;
		if (bytes[i++] & MORE)
			continue;
		if (!(number >> TAG_BITS))
			return false;
		*ret = (struct tag_run){number >> TAG_BITS, number & TAG_MAX};
		*at = i;
		return true;
	}
	return false;
}
