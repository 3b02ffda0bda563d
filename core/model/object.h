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
	bool cloexec;
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
	VEC(struct object *) needs; /* made before this one */
	int rank;		    /* place in the order of making */
	int slot;		    /* on the shelf; -1: not there */
	int write_slot; /* of its second, writable fd; -1: it has none */
	bool apart;	/* made by its only holder, not by the coordinator */
	bool shelved;	/* must be on the shelf: others are made from it */
	uint64_t with;	/* number of those it is made with; 0: none */
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
 * under a number "a file of task 42 (regular file)". Returns ret. */
enum { OBJECT_NAME = 96 };
const char *object_name(const struct object *object, char ret[OBJECT_NAME]);
/* b must be made before a. */
void object_need(struct arena *arena, struct object *a, struct object *b);

#endif
