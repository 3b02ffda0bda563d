/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/index.h"

#include <stdbool.h>

enum { ROOM_FIRST = 16 };

struct index_place {
	uint64_t key;
	void *value;
	bool taken;
};

/* Where the key is, or the free place where it would be. */
static struct index_place *place_find(const struct index *index, uint64_t key)
{
	size_t mask = index->room - 1;
	uint64_t mixed = (key ^ key >> 32) * 0x9e3779b97f4a7c15ull;
	size_t i = (size_t)(mixed >> 32) & mask;

	while (index->at[i].taken && index->at[i].key != key)
		i = (i + 1) & mask;
	return &index->at[i];
}

void *index_get(const struct index *index, uint64_t key)
{
	return index->room ? place_find(index, key)->value : NULL;
}

/* Never more than half full, so that free places end every search soon. */
static void room_double(struct arena *arena, struct index *index)
{
	struct index old = *index;

	index->room = old.room ? old.room * 2 : ROOM_FIRST;
	index->at = arena_newn(arena, struct index_place, index->room);
	for (size_t i = 0; i < old.room; i++)
		if (old.at[i].taken)
			*place_find(index, old.at[i].key) = old.at[i];
}

void **index_slot(struct arena *arena, struct index *index, uint64_t key)
{
	struct index_place *place;

	if (index->n * 2 >= index->room)
		room_double(arena, index);
	place = place_find(index, key);
	if (!place->taken) {
		place->taken = true;
		place->key = key;
		index->n++;
	}
	return &place->value;
}
