/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * undo: what the engine changes outside of the processes, written down before
 * it is done, so that it can be taken back when the engine was killed.
 *
 * The list is a file ".stasis-undo-*" in the work directory, one line a
 * change. It is made with the first line and gone at the end; as long as its
 * engine lives (or a child that took it over) it is locked (flock(2)). What is
 * found unlocked belongs to nobody any more and may be played backwards.
 *
 * Whoever may write into the directory may not make us do anything: a list
 * counts only if it is a regular file of our own user that nobody else could
 * write, and a line names the directory that it is about by path, device and
 * inode.
 *
 * A line that was not written whole was written before its change: nothing was
 * changed. Lines are not synced: of what is on a disk, a power cut within the
 * moment between a change and its return can leave it behind.
 */
#ifndef STASIS_BASE_UNDO_H
#define STASIS_BASE_UNDO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

struct undo;

/* Nothing is on disk yet. dir is borrowed and must stay open. */
struct undo *undo_new(struct arena *arena, int dir);

/* The line of a change, given back to say that it is no more; 0: none. */
typedef unsigned undo_line;

/* A file below the directory fd dir is about to get another text, and this
 * one will be put back: cgroup.freeze, "0". undo may be NULL: nothing. */
int undo_note_text(struct undo *undo, int dir, const char *name,
	const char *text, undo_line *ret, struct err *err);

/* A new and empty regular file is about to get this name. Only what is still
 * empty, ours, and not older than the list is removed. */
int undo_note_file(struct undo *undo, int dir, const char *name, undo_line *ret,
	struct err *err);

/* The same of a new and empty folder, of mode 0700. */
int undo_note_folder(struct undo *undo, int dir, const char *name,
	undo_line *ret, struct err *err);

/* A new symbolic link. */
int undo_note_link(struct undo *undo, int dir, const char *name, undo_line *ret,
	struct err *err);

/* A new file of a unix socket. */
int undo_note_socket(struct undo *undo, int dir, const char *name,
	undo_line *ret, struct err *err);

/* A line of a verb that a higher layer knows (struct undo_verb). */
int undo_note(struct undo *undo, const char *verb, const char *const *args,
	undo_line *ret, struct err *err);

/* Taken back, or meant to stay. */
void undo_done(struct undo *undo, undo_line line);

/* The list goes, unless a line is still open: that stays for a recovery.
 * Another change may be noted afterwards. */
void undo_close(struct undo *undo);

/* How a line of a verb is played. args: n texts, checked by the verb itself.
 * *ret_told: what was done, for people; NULL: it was not necessary. */
struct undo_verb {
	const char *name;
	int (*play)(struct arena *arena, char *const *args, size_t n,
		const char **ret_told, struct err *err);
};

/* Whom the player tells what was done, a sentence a thing. */
typedef void undo_tell_fn(void *of, const char *sentence);

/* Plays back all lists in a directory that nobody owns any more. verbs: those
 * of higher layers, a row without name ends; may be NULL. The first failure
 * is kept in err, its list stays, the others are played. */
int undo_play_back(struct arena *arena, int dir, const struct undo_verb *verbs,
	undo_tell_fn *tell, void *of, struct err *err);

/* Is it a list's name? */
bool undo_is_list(const char *name);

#endif
