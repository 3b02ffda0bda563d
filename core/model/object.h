/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * object: an open file description to be made, and who holds it.
 */
#ifndef STASIS_MODEL_OBJECT_H
#define STASIS_MODEL_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "proto/files.pb-c.h"

struct arena;
struct book;
struct facts;
struct kind;
struct task;
struct thread;
struct tree;
struct plan;

/* Where an object, or a piece of a task's state, ends up. */
struct holder {
	const struct plan *plan;
	const struct facts *facts;
	const struct objects *objects;
	const struct tree *tree;
	struct task *task;
	struct thread *thread; /* task and thread kinds */
	int fd;		       /* files: final number; -1: no fd (mapping) */
	bool first;	       /* ... of all: it does what is done once */
	const char *what;      /* no fd: "the working directory" */
	bool cloexec;
	bool late_close; /* files of others are closed after its tape */
};

/* A file that we were started with, for one of the images (--inherit-fd). */
struct inherited {
	int fd;
	const char *key;
	bool used;
};

/* By what name others may give a file, and how that must be open. */
struct object_key {
	const char *name; /* NULL: it has none */
	uint32_t flags;	  /* as for open(2) */
	bool outside;	  /* it must be given, and cannot be made */
};

struct object {
	uint32_t id;
	const struct kind *kind;
	FileEntry *entry;
	VEC(struct holder) holders;
	/* Two sorts of edges: made before this one (no circles), and named by
	 * it when all are made. */
	VEC(struct object *) needs, links;
	int rank;	/* place in the order of making */
	int slot;	/* on the shelf; -1: not there */
	int write_slot; /* of its second, writable fd; -1: it has none */
	bool alone;	/* its kind says: its only holder may make it */
	bool apart;	/* ... and does, not the coordinator */
	bool shelved;	/* must be on the shelf: others are made from it */
	uint64_t with;	/* number of those it is made with; 0: none */
	void *common;	/* its kind's, of all that it is made with */
	void *images;	/* its kind's: what it read in other images */
	bool wanted;	/* by one that links to it, though no task has it */
	struct object *next_with;      /* made right after it; NULL: none */
	int shelf_fd;		       /* where it is made; -1: not made */
	bool outside;		       /* it must be given */
	const struct inherited *given; /* NULL: it is made */
	uint32_t given_flags;
};

struct objects {
	VEC(struct object *) list;
	struct object **by_id; /* [0..max_id], NULL: none */
	uint32_t max_id;
	struct book *commons; /* object_share's */
};

/* What a kind plans with: all that the images tell. */
struct plan_view {
	struct arena *arena;
	struct objects *objects;
	const struct tree *tree;
};

struct object *objects_find(const struct objects *objects, uint32_t id);
/* Any of the objects that there are, for what a holder does with his own. */
static inline const struct object *holder_object(
	const struct holder *holder, uint32_t id)
{
	return holder->objects && holder->objects->by_id &&
			       id <= holder->objects->max_id
		       ? holder->objects->by_id[id]
		       : NULL;
}
/* As its user knows it: "fd 3 of task 42 (pipe)", and of a file that none has
 * under a number "the executable of task 42". Returns ret. */
enum { OBJECT_NAME = 96 };
const char *object_name(const struct object *object, char ret[OBJECT_NAME]);
/* b must be made before a. */
void object_need(struct arena *arena, struct object *a, struct object *b);
/* a names b when both are made: b must be where all reach it. */
void object_link(struct arena *arena, struct object *a, struct object *b);
/* Its only holder may make it, in one place with all of its kind that have
 * the same number (0: none). Returns room of size bytes that they share, zeros
 * at first. */
void *object_share(const struct plan_view *view, struct object *object,
	uint64_t with, size_t size);

#endif
