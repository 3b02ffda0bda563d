/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kinds: all that can be saved and brought back, and each step of the walks
 * over it. What a kind leaves out is known here, and nowhere else.
 */
#ifndef STASIS_KINDS_KINDS_H
#define STASIS_KINDS_KINDS_H

#include "model/kind.h"

/* In the order of asking, capturing and emitting; NULL-terminated. */
extern const struct kind *const kinds[];

/* --- dump --- */

/* Questions of all kinds on the thread's interview tape. */
int kinds_ask(struct victim_thread *thread, bool leader, struct err *err);
/* What task and thread kinds make of answers and facts; core as kind.h says. */
int kinds_capture(struct dump *dump, struct victim_thread *thread, bool leader,
	CoreEntry *core, struct err *err);
/* The one that claims an open file; NULL: none does. */
const struct kind *kinds_claim(const struct sighting *sighting);
/* A file that is known is held by one more fd table. */
int kinds_again(struct dump *dump, const struct victim *victim, FdTypes type,
	uint32_t id, struct err *err);
/* Any file that an fd table has, as often as other tables have it, too. */
int kinds_seen(struct dump *dump, const struct sighting *sighting, uint32_t id,
	bool first, struct err *err);
/* A file of that type is mapped in a way (sighting->map): could it be so
 * again? */
int kinds_mapped(
	const struct sighting *sighting, FdTypes type, struct err *err);
/* When all was seen. */
int kinds_finish(struct dump *dump, struct err *err);

/* What an open file is that no kind claims, in plain words with an article:
 * "a unix socket". */
const char *kind_unknown_name(const struct sighting *sighting);

/* --- restore --- */

/* The kind of an entry of files.img, whose message is there: -EOPNOTSUPP and
 * -EBADMSG otherwise. */
int kinds_of_entry(
	const FileEntry *entry, const struct kind **ret, struct err *err);
int kinds_plan(
	const struct plan_view *view, struct object *object, struct err *err);
/* What other images have about the objects that there are. */
int kinds_load(struct restore *restore, struct err *err);
/* When all are made: fd is the object's. */
int kinds_link(struct restore *restore, struct object *object, int fd,
	struct err *err);
void kinds_release(struct restore *restore, bool failed);
/* By which name others may give it: none (ret->name NULL) if it has none. */
int kinds_key(struct restore *restore, const struct object *object,
	struct object_key *ret, struct err *err);
/* An fd to map it shared and writable; opened is one as it is open. */
int kinds_open_mapping(struct restore *restore, const struct object *object,
	int opened, int *ret_fd, struct err *err);
/* An object in one of its holders. */
int kinds_emit_file(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err);
/* Tasks' and threads' kinds of one scope and stage; meet is called before the
 * one before which all threads wait for each other. */
int kinds_emit(struct tape *tape, const struct holder *holder, enum scope scope,
	enum stage stage, void (*meet)(const struct holder *, struct tape *),
	struct err *err);

#endif
