/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proc_held: files and folders of /proc about one process that a process holds
 * open. A part of the kind of regular files, and a kind that opens the late
 * ones.
 *
 * What such a file shows, and what can be done through it, is decided when it
 * is opened, by who opens it. So the newborn that holds it opens it:
 *
 *	- one about itself before anything else is there, and sets its position
 *	  when its memory is what it was;
 *	- one about a thread of its own, or about another process, when those
 *	  exist. Of another process only what everybody may read comes back:
 *	  the newborn still has rights that it will give up.
 *
 * It must be the only one that holds it.
 */
#ifndef STASIS_KINDS_FILE_LIB_PROC_HELD_H
#define STASIS_KINDS_FILE_LIB_PROC_HELD_H

#include "model/dump.h"
#include "model/restore.h"
#include "model/sighting.h"

struct tape;

/* Refuses by name what could not be opened again; 0 for all other files. */
int proc_held_check(struct dump *dump, const struct sighting *sighting,
	uint32_t id, struct err *err);
int proc_held_again(struct dump *dump, const struct victim *victim, uint32_t id,
	struct err *err);

/* Pure: by its name, and if its holder makes it. */
bool proc_held_is(const struct object *object);
/* In the newborn. A late one: something that keeps its number. */
int proc_held_make(struct restore *restore, const struct object *object,
	int *ret_fd, struct err *err);
void proc_held_emit(struct tape *tape, const struct object *object,
	const struct holder *holder);

#endif
