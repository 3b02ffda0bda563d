/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kind: one sort of thing that is saved and brought back, whole in one file.
 *
 * A file kind (pipe, eventfd, ...) makes objects: open file descriptions,
 * which tasks hold under fd numbers. A task or thread kind (timers,
 * credentials, ...) is a piece of a task's or thread's own state. The walks
 * know none of them by name; they go through kinds/kinds.h.
 *
 *	stage		dump			restore
 *	ask		put questions on the thread's interview tape
 *	claims		is this open file mine?
 *	capture		facts -> message
 *	again					another one holds it, too
 *	seen					an open file of any kind
 *	mapped					can it be mapped so again?
 *	plan					pure: edges, where it is made
 *	key					what --inherit-fd calls it
 *	load					what other images have
 *	make					message -> fd
 *	link					when all are made
 *	emit					pure: message -> ops on a tape
 *
 * Any of them may be NULL. Each returns 0 or -errno with the err filled.
 */
#ifndef STASIS_MODEL_KIND_H
#define STASIS_MODEL_KIND_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "inject/record.h"
#include "model/object.h"
#include "model/sighting.h"
#include "model/victim.h"

struct dump;
struct restore;

enum scope {
	SCOPE_TASK,   /* asked on and emitted by the leader only */
	SCOPE_THREAD, /* each thread */
	SCOPE_FILE,
};

/* When a task kind emits. Thread kinds emit in their thread, after all
 * threads are there; a leader's come after its AFTER_THREADS ones. */
enum stage { STAGE_BEFORE_THREADS, STAGE_AFTER_THREADS };

struct kind {
	const char *name; /* "eventfd" */
	enum scope scope;
	enum stage stage;
	bool meets;   /* threads: all of the task wait for each other before it
		       * emits in any of them; one kind at most */
	uint32_t tag; /* files: its FdTypes number in the image format */
	/* Files: its message in a FileEntry, there before any verb is run. */
	const ProtobufCMessageDescriptor *schema;

	/* Tasks and threads: questions. answer->op, ->data are preset to the
	 * tape's next op and next data. */
	int (*ask)(struct tape *, const struct victim_thread *, struct answer *,
		struct err *);
	/* Files. */
	bool (*claims)(const struct sighting *);
	/* msg: a FileEntry (id set, all else to be set) for files; the
	 * thread's CoreEntry with its tc/thread_core there for the others. */
	int (*capture)(struct dump *, const struct sighting *, void *msg,
		struct err *);

	/* Files: what was captured as file id is held by one more fd table, of
	 * that victim. NULL: that is nothing special. */
	int (*again)(struct dump *, const struct victim *, uint32_t id,
		struct err *);

	/* Any: an open file that an fd table has, id in files.img, whatever
	 * kind it is of; first: that was captured just now. */
	int (*seen)(struct dump *, const struct sighting *, uint32_t id,
		bool first, struct err *);

	/* Files: what was captured is mapped so (sighting->map). NULL: it can
	 * be mapped again however it was. */
	int (*mapped)(const struct sighting *, struct err *);

	/* Any: once, when all victims were captured. */
	int (*finish)(struct dump *, struct err *);

	/* Files, pure: edges to other objects (object_need, object_link), and
	 * with what it may be made by its only holder (object_share); without
	 * that the coordinator makes it. */
	int (*plan)(const struct plan_view *, struct object *, struct err *);
	/* Once, after tree and files.img: what is in other images; kinds of
	 * files only if there are any. */
	int (*load)(struct restore *, struct err *);
	/* Files: the fd is O_CLOEXEC and the caller's. What stays open behind
	 * the back of the call is kept by restore_keep. */
	int (*make)(
		struct restore *, struct object *, int *ret_fd, struct err *);
	/* Files: what needs others to be there, which are at their shelf_fd;
	 * its own is at fd. */
	int (*link)(struct restore *, struct object *, int fd, struct err *);
	/* Files: the restore is over. failed: what make and link left outside
	 * of the processes is to be taken away. */
	void (*release)(struct restore *, bool failed);
	/* Files: an fd through which it is mapped shared and writable; NULL:
	 * it is opened again. */
	int (*open_mapping)(struct restore *, const struct object *,
		int *ret_fd, struct err *);
	/* Files: the name by which another one may be given in its place. */
	int (*key)(struct restore *, const struct object *,
		struct object_key *ret, struct err *);
	/* Files: what must be done inside a task that holds the object, with
	 * its final fd number there (holder->fd); for every holder, of which
	 * one is holder->first. Tasks and threads: all. */
	int (*emit)(struct tape *, const struct object *, const struct holder *,
		struct err *);
};

#endif
