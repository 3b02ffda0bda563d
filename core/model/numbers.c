/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/numbers.h"

#include <stdlib.h>
#include <string.h>

static int numbers_order(const void *one, const void *other)
{
	int a = *(const int *)one, b = *(const int *)other;

	return (a > b) - (a < b);
}

static void numbers_sort(struct numbers *numbers)
{
	if (numbers->n)
		qsort(numbers->at, numbers->n, sizeof(int), numbers_order);
}

/* The first number with as many below it that are free as are spared. */
static int spare_end(const struct numbers *own)
{
	int end = NUMBERS_SPARE, last = -1;

	for (size_t i = 0; i < own->n && own->at[i] < end; i++) {
		end += own->at[i] != last;
		last = own->at[i];
	}
	return end > NUMBERS_SHELF_MIN ? end : NUMBERS_SHELF_MIN;
}

int numbers_place(struct arena *arena, struct numbers *tasks,
	struct numbers *own, int size)
{
	struct numbers all = {.n = tasks->n + own->n};
	int base;

	numbers_sort(tasks);
	numbers_sort(own);
	base = spare_end(own);
	all.at = arena_newn(arena, int, all.n + 1);
	if (tasks->n)
		memcpy(all.at, tasks->at, tasks->n * sizeof(int));
	if (own->n)
		memcpy(all.at + tasks->n, own->at, own->n * sizeof(int));
	numbers_sort(&all);
	for (size_t i = 0; i < all.n && all.at[i] < base + size; i++)
		if (all.at[i] >= base)
			base = all.at[i] + 1;
	return base;
}
