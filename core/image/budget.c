/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/budget.h"

struct image_budget image_budget(
	struct arena *arena, uint64_t size, unsigned times, uint64_t *spare)
{
	uint64_t counts = size > BUDGET_BLOCK ? size : BUDGET_BLOCK;

	return (struct image_budget){
		.arena = arena, .left = counts * times, .spare = spare};
}

bool image_budget_has(struct image_budget *budget, uint64_t size)
{
	if (size <= budget->left ||
		(budget->spare && size - budget->left <= *budget->spare))
		return true;
	budget->spent = true;
	return false;
}

bool image_budget_take(struct image_budget *budget, uint64_t size)
{
	uint64_t own = size < budget->left ? size : budget->left;

	if (!image_budget_has(budget, size))
		return false;
	budget->left -= own;
	if (size > own)
		*budget->spare -= size - own;
	return true;
}

static void *allocator_alloc(void *budget, size_t size)
{
	/* The arena's pieces are multiples of 16. */
	if (!image_budget_take(budget, ((uint64_t)size + 15) / 16 * 16))
		return NULL;
	return arena_alloc(((struct image_budget *)budget)->arena, size);
}

static void allocator_free(void *budget, void *at)
{
	(void)budget;
	(void)at;
}

ProtobufCAllocator image_allocator(struct image_budget *budget)
{
	return (ProtobufCAllocator){allocator_alloc, allocator_free, budget};
}
