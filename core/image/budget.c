/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory for what is parsed, in proportion to what there is to parse. */
#include <fcntl.h>
#include <sys/stat.h>

#include "image/set_state.h"

struct image_budget image_budget(
	struct arena *arena, struct image_set *set, uint64_t size)
{
	return (struct image_budget){.arena = arena,
		.left = size * IMAGE_TIMES,
		.spare = set ? 0 : IMAGE_SPARE,
		.set = set};
}

/* Holes are free of charge to who makes them. */
static uint64_t bytes_on_disk(const struct stat *st)
{
	uint64_t size = (uint64_t)st->st_size;
	uint64_t blocks = (uint64_t)st->st_blocks * 512;

	return size < blocks ? size : blocks;
}

/* Not before it matters: it is a look at each file. */
static void pages_count(struct image_set *set)
{
	_cleanup_dir_ DIR *dir = image_dir_list(set->dir);
	const struct dirent *entry;
	enum image_type type;
	struct stat st;
	uint64_t id;

	set->pages_counted = true;
	while (dir && (entry = readdir(dir)))
		if (image_name_parse(entry->d_name, &type, &id) &&
			type == IMAGE_PAGES &&
			!fstatat(set->dir, entry->d_name, &st,
				AT_SYMLINK_NOFOLLOW) &&
			S_ISREG(st.st_mode))
			set->spare += bytes_on_disk(&st) * IMAGE_TIMES;
}

static uint64_t *budget_spare(struct image_budget *budget)
{
	return budget->set ? &budget->set->spare : &budget->spare;
}

bool image_budget_has(struct image_budget *budget, uint64_t size)
{
	const uint64_t *spare = budget_spare(budget);

	if (size <= budget->left || size - budget->left <= *spare)
		return true;
	if (budget->set && !budget->set->pages_counted)
		pages_count(budget->set);
	if (size - budget->left <= *spare)
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
	*budget_spare(budget) -= size - own;
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
