/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/missing.h"

#include <string.h>

void missing_add(struct missing *missing, uint64_t start, uint64_t end)
{
	size_t n = missing->ranges.n;
	struct missing_range *last = n ? &missing->ranges.at[n - 1] : NULL;

	if (start >= end || (last && start < last->end))
		return;
	missing->bytes += end - start;
	if (last && last->end == start &&
		last->from + (start - last->start) == start)
		last->end = end;
	else
		*vec_push(missing->arena, &missing->ranges) =
			(struct missing_range){start, end, start};
}

void missing_copy(struct missing *to, const struct missing *from)
{
	for (size_t i = 0; i < from->ranges.n; i++)
		if (from->ranges.at[i].start < from->ranges.at[i].end)
			*vec_push(to->arena, &to->ranges) = from->ranges.at[i];
	to->bytes = from->bytes;
	to->moved = from->moved;
}

/* The first range that ends behind an address; an empty one may stand before
 * it, never behind. */
static size_t range_behind(const struct missing *missing, uint64_t at)
{
	size_t low = 0, high = missing->ranges.n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (missing->ranges.at[middle].end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void empties_forget(struct missing *missing)
{
	struct missing_range *at = missing->ranges.at;
	size_t n = 0;

	for (size_t i = 0; i < missing->ranges.n; i++)
		if (at[i].start < at[i].end)
			at[n++] = at[i];
	missing->ranges.n = n;
	missing->empty = 0;
}

static void range_insert(
	struct missing *missing, size_t i, struct missing_range range)
{
	struct missing_range *at;

	vec_push(missing->arena, &missing->ranges);
	at = missing->ranges.at;
	memmove(&at[i + 1], &at[i],
		(missing->ranges.n - 1 - i) * sizeof(struct missing_range));
	at[i] = range;
}

/* Takes [start, end), which is in range i, out of it. */
static void range_cut(
	struct missing *missing, size_t i, uint64_t start, uint64_t end)
{
	struct missing_range *range = &missing->ranges.at[i];
	struct missing_range behind = {
		end, range->end, range->from + (end - range->start)};

	missing->bytes -= end - start;
	if (start == range->start) {
		range->from = behind.from;
		range->start = end;
		missing->empty += range->start == range->end;
		return;
	}
	range->end = start;
	if (behind.start < behind.end)
		range_insert(missing, i + 1, behind);
}

static uint64_t min_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void missing_drop(struct missing *missing, uint64_t start, uint64_t end)
{
	const struct missing_range *range;
	size_t i;

	for (i = range_behind(missing, start); i < missing->ranges.n; i++) {
		range = &missing->ranges.at[i];
		if (range->start >= end)
			break;
		if (range->start < range->end)
			range_cut(missing, i, max_of(start, range->start),
				min_of(end, range->end));
	}
	/* When there are many, so that to drop costs the same however many
	 * there are. */
	if (missing->empty * 2 > missing->ranges.n)
		empties_forget(missing);
}

/* In its place; nothing is there, not even an empty one. */
static void range_put(struct missing *missing, struct missing_range range)
{
	missing->bytes += range.end - range.start;
	range_insert(missing, range_behind(missing, range.start), range);
}

void missing_move(
	struct missing *missing, uint64_t from, uint64_t to, uint64_t size)
{
	VEC(struct missing_range) taken = {0};
	const struct missing_range *range;
	struct missing_range part;
	uint64_t end;

	if (__builtin_add_overflow(from, size, &end) || to + size < to)
		return;
	for (size_t i = range_behind(missing, from); i < missing->ranges.n;
		i++) {
		range = &missing->ranges.at[i];
		if (range->start >= end)
			break;
		part.start = max_of(from, range->start);
		part.end = min_of(end, range->end);
		part.from = range->from + (part.start - range->start);
		if (part.start < part.end)
			*vec_push(missing->arena, &taken) = part;
	}
	missing_drop(missing, from, end);
	missing_drop(missing, to, to + size);
	empties_forget(missing);
	for (size_t i = 0; i < taken.n; i++) {
		part = taken.at[i];
		part.start += to - from;
		part.end += to - from;
		range_put(missing, part);
	}
	missing->moved = true;
}

static void range_skip(struct missing_range *range, uint64_t to)
{
	if (to <= range->start)
		return;
	range->from += to - range->start;
	range->start = to;
}

bool missing_next(
	const struct missing *missing, uint64_t at, struct missing_range *ret)
{
	struct missing_range range;

	for (size_t i = range_behind(missing, at); i < missing->ranges.n; i++) {
		range = missing->ranges.at[i];
		range_skip(&range, at);
		if (range.start >= range.end)
			continue;
		*ret = range;
		return true;
	}
	return false;
}

bool missing_find(
	const struct missing *missing, uint64_t at, struct missing_range *ret)
{
	struct missing_range range;

	if (!missing_next(missing, at, &range) || range.start > at)
		return false;
	*ret = range;
	return true;
}

bool missing_from(const struct missing *missing, uint64_t from, uint64_t size,
	size_t *place, struct missing_range *ret)
{
	size_t first = missing->moved ? 0 : range_behind(missing, from);
	struct missing_range range;

	for (size_t i = max_of(first, *place); i < missing->ranges.n; i++) {
		range = missing->ranges.at[i];
		if (!missing->moved && range.start >= from + size)
			return false;
		if (range.from + (range.end - range.start) <= from ||
			range.from >= from + size || range.start == range.end)
			continue;
		if (range.from < from)
			range_skip(&range, range.start + (from - range.from));
		range.end = min_of(
			range.end, range.start + (from + size - range.from));
		*place = i + 1;
		*ret = range;
		return true;
	}
	return false;
}
