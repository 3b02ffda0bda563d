/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree: tasks and threads as the image format tells them.
 *
 * Both walks work on it: dump fills it from victims, restore from images.
 * Messages are the format's own; they and everything else live in the run's
 * arena.
 *
 * Every task and thread has two numbers. Those of the images (pid, tid, and
 * ppid, pgid, sid) are what the tree's own pid namespace calls it: they stand
 * in image files, plans and tapes, and a newborn uses them for itself. By host
 * this host knows it as long as it lives: /proc, ptrace, kill and wait here
 * take nothing else. They differ where the tree has a pid namespace of its
 * own; lint looks that neither is taken for the other.
 */
#ifndef STASIS_MODEL_TREE_H
#define STASIS_MODEL_TREE_H

#include <stdbool.h>
#include <sys/types.h>

#include "backend.h"
#include "base/index.h"
#include "base/vec.h"
#include "pages/source.h"
#include "proto/core.pb-c.h"
#include "proto/files.pb-c.h"
#include "proto/memory.pb-c.h"
#include "proto/paths.pb-c.h"
#include "proto/stasis.pb-c.h"
#include "proto/tree.pb-c.h"

/* TaskCoreEntry.task_state; also what /proc tells while dumping. */
enum task_state { TASK_ALIVE = 1, TASK_DEAD = 2, TASK_STOPPED = 3 };

struct task;

struct thread {
	pid_t tid;
	pid_t host; /* 0: it is not there (yet) */
	struct task *task;
	CoreEntry *core;	  /* of the leader: with the task's state */
	StasisThreadExtra *extra; /* what the format has no field for */
	struct regs regs; /* in the form that this host takes; restore only */
};

struct task {
	pid_t pid, ppid, pgid, sid;
	pid_t host; /* 0: it is not there (yet) */
	enum task_state state;
	struct task *parent;
	VEC(struct task *) children;
	size_t index; /* in tree.tasks */

	struct thread *threads; /* [0] is the leader */
	size_t n_threads;

	/* Absent (NULL) in a dead task: */
	TaskKobjIdsEntry *ids;
	MmEntry *mm;
	FsEntry *fs;
	StasisTaskExtra *extra;
	FdinfoEntry **fds; /* by fd number, ascending */
	size_t n_fds;
	VEC(const FileLockEntry *) locks; /* that it takes; restore only */
	struct source pages;		  /* private memory */
	const uint8_t *vdso; /* contents of its vdso; NULL: none stored */
};

struct tree {
	VEC(struct task *) tasks; /* parents before children */
	struct index by_pid;
	struct task *root;
};

struct task *tree_add(struct arena *arena, struct tree *tree, pid_t pid);
struct task *tree_find(const struct tree *tree, pid_t pid);
/* What the task has under a number; NULL: nothing. */
const FdinfoEntry *task_fd(const struct task *task, uint32_t fd);
/* Set parent and children by ppid; the first task is the root. */
int tree_link(struct arena *arena, struct tree *tree, struct err *err);

#endif
