/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * budget: memory for what is parsed, in proportion to what there is to parse,
 * whoever wrote it: with the bytes themselves, and gathered (wire.h), ten times
 * as much. A file of less than a block counts as one, for that is what it takes
 * of its disk, and a message of a few fields takes more than ten times its
 * bytes. Each file has its own: what lies beside pays for nothing. What is over
 * comes from a constant for the whole set: there are few of the records that
 * take more (the settings of a network device), but for files.img, of which
 * each is a message that has a place for every kind of file.
 */
#ifndef STASIS_IMAGE_BUDGET_H
#define STASIS_IMAGE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

enum { BUDGET_TIMES = 8, BUDGET_TIMES_FILES = 16, BUDGET_BLOCK = 4096 };
enum { BUDGET_SPARE = 16 << 20 };
#define BUDGET_TOO_RICH "in memory its records take many times its size"

struct image_budget {
	struct arena *arena;
	uint64_t left;
	uint64_t *spare; /* NULL: none */
	bool spent;	 /* somebody wanted more */
};

/* size: of what is parsed, times: BUDGET_TIMES or more; spare: of the set, or
 * NULL. */
struct image_budget image_budget(
	struct arena *arena, uint64_t size, unsigned times, uint64_t *spare);
/* Whether there is so much; after image_budget_take it is taken. */
bool image_budget_has(struct image_budget *budget, uint64_t size);
bool image_budget_take(struct image_budget *budget, uint64_t size);

/* protobuf-c memory within a budget; what is freed stays until the arena's
 * end. */
ProtobufCAllocator image_allocator(struct image_budget *budget);

#endif
