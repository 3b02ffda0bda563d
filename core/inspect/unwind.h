/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unwind: the call chain of a thread of this host's machine, wherever its
 * memory and registers come from.
 *
 * The source gives memory, registers and maps through callbacks, so that it
 * may be an image or a living process. Frames are found by the unwind tables
 * of the mapped ELF files (read through the source's memory), and where there
 * are none by the chain of frame pointers. Names come from the files' symbol
 * tables.
 *
 * All that is read is others' (a file may be made for it, and so may memory
 * be), and libunwind and libelf are not made for that: unwind_threads has it
 * done in a child that can do nothing else.
 */
#ifndef STASIS_INSPECT_UNWIND_H
#define STASIS_INSPECT_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"

/* One mapping; sorted by address. */
struct unwind_map {
	uint64_t start, end;
	uint64_t pgoff; /* in bytes */
	bool exec;
	uint32_t object;  /* the same for all maps of one file; 0: no file */
	const char *name; /* of the file, for people; or NULL */
	int fd;		  /* to read symbols from; -1: only memory */
	/* Of the file, if it is known: one with another is none. */
	const void *build_id;
	size_t build_id_size;
};

/* How frames are chained where there are no tables: the register that points
 * to the chain, and where the return address is, seen from there. */
struct unwind_chain {
	unsigned reg;
	unsigned return_at;
	bool in_caller; /* seen from the next link of the chain */
	/* By which number libunwind asks for the pc. Its own name for it,
	 * UNW_REG_IP, is that of the link register on aarch64. */
	unsigned pc;
};

struct unwind_source {
	void *arg;
	/* Returns how many bytes could be read, from the front. It reads from
	 * these, and no other fd is open there but those of the maps. */
	const int *fds;
	size_t n_fds;
	size_t (*read_mem)(void *arg, uint64_t at, void *to, size_t size);
	/* By its DWARF number. */
	bool (*read_reg)(void *arg, unsigned number, uint64_t *ret_value);
	uint64_t pc, sp;
	struct unwind_map *maps;
	size_t n_maps;
	const struct unwind_chain *chain; /* or NULL */
};

struct unwind_frame {
	uint64_t pc, sp;
	const char *symbol; /* or NULL */
	uint64_t offset;    /* of pc in the symbol, else in the file */
	const char *file;   /* or NULL */
	const struct unwind_map *map;
};

struct unwind_stack {
	VEC(struct unwind_frame) frames; /* the innermost first; never empty */
	const char *note; /* why it ends early; NULL if it does not */
};

/* Keeps what was learned about files, for many threads of many tasks whose
 * objects have the same numbers. */
struct unwinder;
int unwinder_new(
	struct arena *arena, struct unwinder **ret_unwinder, struct err *err);
void unwinder_free(struct unwinder *unwinder);
void unwinder_freep(struct unwinder **unwinder);
#define _cleanup_unwinder_ __attribute__((cleanup(unwinder_freep)))

/* Whose maps are the same: threads of one process. ret_stacks: n, each with the
 * frame of pc at the least, and a note why there are no more. Blocks for
 * limit_ms at most; then, or if the child broke, what had been found until then
 * is there, and err says why it is not all. */
int unwind_threads(struct arena *arena, struct unwinder *unwinder,
	const struct unwind_source *sources, size_t n, int limit_ms,
	struct unwind_stack *ret_stacks, struct err *err);

/* --- in that child ---------------------------------------------------------
 */

/* What it learns goes to this arena from now on, and is learned anew. */
void unwinder_move(struct unwinder *unwinder, struct arena *arena);

/* Never fails: at the least there is the frame of pc itself. Frames are in
 * the arena. */
void unwind_thread(struct unwinder *unwinder,
	const struct unwind_source *source, struct unwind_stack *ret_stack);

#endif
