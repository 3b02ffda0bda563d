/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gather: what an image directory says, put together for showing.
 *
 * All of it lives in the arena of the set. What is missing in the images is
 * NULL or 0 here: a pre-dump has no tasks, a zombie has no memory.
 */
#ifndef STASIS_INSPECT_GATHER_H
#define STASIS_INSPECT_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "image/set.h"
#include "inspect/describe.h"
#include "inspect/unwind.h"
#include "proto/core.pb-c.h"
#include "proto/inventory.pb-c.h"
#include "proto/memory.pb-c.h"
#include "proto/tree.pb-c.h"

struct inspect_thread {
	uint32_t tid;
	const CoreEntry *core;
	const char *comm;
	bool has_pc;
	uint64_t pc, sp;
	const struct unwind_frame *frames;
	size_t n_frames;
	const char *stack_note; /* why the frames end where they end */
};

enum inspect_kind {
	MEMORY_ANON,
	MEMORY_HEAP,
	MEMORY_STACK,
	MEMORY_FILE,
	MEMORY_SHARED,
	MEMORY_KERNEL, /* vdso and its data */
	MEMORY_KINDS
};
extern const char *const inspect_kind_names[MEMORY_KINDS];

/* In bytes; shared memory is stored once, beside the tasks. */
struct inspect_memory {
	uint64_t size, stored, in_parent;
};

struct inspect_fd {
	uint32_t fd, id;
	bool cloexec;
	struct description file;
};

struct inspect_task {
	const PstreeEntry *entry;
	int depth; /* in the tree */
	const char *state;
	const char *comm;
	const char *command; /* arguments with blanks between; or NULL */
	const char *exe, *cwd, *root; /* or NULL */
	const CredsEntry *creds;      /* of the leader; or NULL */
	const MmEntry *mm;
	const TaskKobjIdsEntry *ids;
	struct inspect_thread *threads;
	size_t n_threads;
	struct inspect_memory memory[MEMORY_KINDS];
	VEC(struct inspect_fd) fds;
};

struct inspection {
	struct image_set *set;
	struct arena *arena;
	const StasisManifest *manifest; /* or NULL */
	const InventoryEntry *inventory;
	bool pre_dump, has_parent;
	const char *machine, *cpu; /* cpu may be NULL */
	uint32_t page_size;
	uint64_t private_stored, shared_stored; /* bytes in this set */
	size_t shared_objects, n_threads;
	VEC(struct inspect_task) tasks; /* in the order of the tree */
	struct file_book files;
};

int inspection_gather(
	struct image_set *set, struct inspection *ret, struct err *err);

#endif
