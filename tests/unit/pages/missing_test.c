/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pages/missing.h"

#include <string.h>

#include "test.h"

enum { PAGE = 4096, PAGES = 64 };
#define BASE 0x100000ull

/* What is missing, page by page: where in the images it is, 0: it is not. */
struct model {
	uint64_t from[PAGES];
};

static unsigned dice_state;

static unsigned dice(unsigned sides)
{
	dice_state = dice_state * 1103515245u + 12345;
	return (dice_state >> 8) % sides;
}

static uint64_t address(unsigned i)
{
	return BASE + (uint64_t)i * PAGE;
}

static void models_agree(const struct missing *missing, const struct model *m)
{
	struct missing_range range;
	uint64_t bytes = 0, next = 0;
	bool found;

	for (unsigned i = PAGES; i-- > 0;) {
		found = missing_find(missing, address(i) + 5, &range);
		if (!CHECK_INT(found, m->from[i] != 0))
			return;
		if (found)
			CHECK_INT(range.from, m->from[i] + 5);
		bytes += found ? PAGE : 0;
		next = found ? address(i) : next;
		found = missing_next(missing, address(i), &range);
		if (CHECK_INT(found, next != 0) && found)
			CHECK_INT(range.start, next);
	}
	CHECK_INT(missing->bytes, bytes);
}

/* Every page of the images is found where it belongs by now. */
static void origins_agree(const struct missing *missing, const struct model *m)
{
	uint64_t from = address(dice(PAGES)), size = (1 + dice(6)) * PAGE,
		 n = 0;
	struct missing_range range;
	size_t place = 0;

	for (unsigned i = 0; i < PAGES; i++)
		n += m->from[i] >= from && m->from[i] < from + size;
	while (missing_from(missing, from, size, &place, &range)) {
		CHECK(range.from >= from && range.start < range.end);
		CHECK(range.from + (range.end - range.start) <= from + size);
		for (uint64_t at = range.start; at < range.end; at += PAGE, n--)
			CHECK_INT(m->from[(at - BASE) / PAGE],
				range.from + (at - range.start));
	}
	CHECK_INT(n, 0);
}

static void change(struct missing *missing, struct model *m)
{
	unsigned from = dice(PAGES), n = 1 + dice(PAGES - from), to;
	struct model was = *m;

	if (dice(4)) {
		n = n > 4 ? 4 : n;
		missing_drop(missing, address(from), address(from + n));
		memset(&m->from[from], 0, n * sizeof(m->from[0]));
		return;
	}
	to = dice(PAGES - n + 1);
	missing_move(missing, address(from), address(to), (uint64_t)n * PAGE);
	memset(&m->from[from], 0, n * sizeof(m->from[0]));
	memcpy(&m->from[to], &was.from[from], n * sizeof(m->from[0]));
}

TEST(what_is_missing_is_known_page_by_page_whatever_becomes_of_it)
{
	for (dice_state = 1; dice_state < 400; dice_state++) {
		unsigned seed = dice_state;
		struct arena *arena = arena_new();
		struct missing missing = {.arena = arena}, copy;
		struct model model = {0};

		for (unsigned i = 0; i < PAGES; i++) {
			if (!dice(3))
				continue;
			missing_add(&missing, address(i), address(i + 1));
			model.from[i] = address(i);
		}
		models_agree(&missing, &model);
		for (int i = 0; i < 30; i++) {
			change(&missing, &model);
			models_agree(&missing, &model);
			origins_agree(&missing, &model);
		}
		copy = (struct missing){.arena = arena};
		missing_copy(&copy, &missing);
		models_agree(&copy, &model);
		origins_agree(&copy, &model);
		arena_free(arena);
		dice_state = seed;
	}
}

TEST(numbers_without_sense_change_nothing)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct missing missing = {.arena = arena};

	missing_add(&missing, BASE, BASE + 4 * PAGE);
	missing_add(&missing, BASE, BASE + PAGE);
	missing_add(&missing, BASE + 9 * PAGE, BASE + 8 * PAGE);
	missing_move(&missing, BASE, UINT64_MAX - PAGE, 4 * PAGE);
	missing_move(&missing, UINT64_MAX - PAGE, BASE, 4 * PAGE);
	missing_drop(&missing, BASE + PAGE, BASE + PAGE);
	missing_drop(&missing, BASE + 2 * PAGE, BASE + PAGE);
	CHECK_INT(missing.bytes, 4 * PAGE);
	missing_drop(&missing, 0, UINT64_MAX);
	CHECK_INT(missing.bytes, 0);
}

/* As when ten thousand areas are brought one after the other. */
TEST(to_bring_page_after_page_costs_the_same_however_many_there_are)
{
	enum { MANY = 200000 };
	_cleanup_arena_ struct arena *arena = arena_new();
	struct missing missing = {.arena = arena};
	struct missing_range range;
	uint64_t at = 0;

	for (uint64_t i = 0; i < MANY; i++)
		missing_add(&missing, 2 * i * PAGE, (2 * i + 1) * PAGE);
	while (missing_next(&missing, at, &range)) {
		missing_drop(&missing, range.start, range.end);
		at = range.end;
	}
	CHECK_INT(missing.bytes, 0);
	CHECK(missing.ranges.n < MANY);
}
