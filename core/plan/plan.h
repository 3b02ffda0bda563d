/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan: everything a restore is going to do, decided before it does anything.
 *
 * Made from the tree, the objects and facts about the host, without one
 * system call: who forks whom (forest), which numbers files get (slots: a row
 * that neither tasks nor the coordinator use; apart: what a task makes itself),
 * where helpers of the restore stand while memory is exchanged (layout), and
 * the tapes that tasks play. Restore only executes it; --plan prints it.
 *
 * Addresses: all tasks have one zone, free in every task and in the
 * coordinator: the agent's code, the reel (tapes, stacks, shared words), a
 * place to park the vdso, and staged memory. It is gone when tasks go on.
 */
#ifndef STASIS_PLAN_PLAN_H
#define STASIS_PLAN_PLAN_H

#include <stdio.h>

#include "kernel/maps.h"
#include "model/facts.h"
#include "model/kind.h"
#include "model/numbers.h"
#include "model/object.h"
#include "model/tree.h"

/* What a plan must know of the host besides facts. */
struct host {
	const struct backend *be;
	uint64_t page_size;
	unsigned cpus;	  /* that may run threads of the coordinator's */
	struct maps maps; /* of the coordinator: newborns begin with them */
	const uint8_t *vdso_bytes; /* NULL: the host has none */
	struct numbers fds;	   /* open in the coordinator */
	/* First address that no task here can map; 0: as the backend says,
	 * which knows the largest (ppc64le with 4 KiB pages has less). */
	uint64_t task_size;
	/* Bits of vma_entry.prot that this CPU does not know, and without
	 * which all goes on: VMA_PROT_BTI or nothing. */
	uint32_t prot_lacks;
	bool droppable_lacks; /* no VMA_MAP_DROPPABLE */
	bool tags_lack;	      /* no VMA_PROT_TAGS */
};

/* A process that is to be born: a task, or a helper that lends its pid to a
 * session or group whose leader is dead, and ends before the tasks go on. */
struct birth {
	pid_t pid;	   /* 0: any (a helper that leaves an orphan) */
	size_t index;	   /* in plan.births */
	struct task *task; /* NULL: helper */
	struct birth *maker;
	bool as_sibling;	   /* of its maker: CLONE_PARENT */
	bool early;		   /* before its maker's setsid */
	bool adopts;		   /* takes orphans while the tree is born */
	bool leads_session;	   /* setsid */
	bool leads_group;	   /* setpgid(0, 0) */
	pid_t joins_group;	   /* 0: stays in the one it is born into; the
				    * last of all if it leads one, too */
	uint64_t shares;	   /* CLONE_FILES, CLONE_FS with its maker */
	int exit_signal;	   /* by which its parent is told of its end */
	VEC(struct birth *) makes; /* the early ones first */
	struct plan_task *plan;	   /* NULL: helper or dead task */
};

/* Private memory that is filled before children are forked off, so that
 * what they inherit stays shared. */
struct staging {
	uint64_t at;	      /* in the zone; an inheritor's is its parent's */
	uint64_t size;	      /* of the area here */
	uint64_t room;	      /* the largest that any inheritor makes of it */
	struct staging *from; /* the parent's; NULL: made here */
	const VmaEntry *from_vma;
};

/* Pages of a big task that the coordinator writes while the task reads the
 * others: address, bytes, place in a pages file. */
struct plan_share {
	uint64_t vaddr, size, offset;
	uint32_t file; /* of the task's pages */
};

struct plan_fd {
	int fd, slot; /* slot -1: made here, not on the shelf */
	bool cloexec;
};

struct plan_emit {
	const struct object *object;
	const struct holder *holder; /* one of the object's, in this task */
};

struct plan_task {
	struct task *task;
	struct birth *birth;
	pid_t born_sid; /* of a leader: the session before; 0: its parent's */
	VEC(struct plan_share) shares; /* none: it reads all by itself */
	bool shared_reading;
	struct staging **staging; /* by area; NULL: goes straight home */
	VEC(struct plan_fd) fds;  /* ascending */
	/* In the order of making: made by this task itself, and those that it
	 * has under a number. */
	VEC(struct object *) makes;
	VEC(struct plan_emit) emits;
	bool installs_files; /* its fd table is its own to fill */
	bool installs_fs;
	bool table_shared; /* others have the same fd table */
	bool leader_first; /* threads wait until it has done what is for all */
	int cwd_slot, root_slot, exe_slot;
	int pages_slot; /* of the first of its pages files */
	int uffd_slot;	/* where pages are lazy */
	bool *lazy;	/* by area: pages come when they are touched; or NULL */
	bool defers;	/* some area is so */

	/* The reel: head room (shared words, tids, auxv), stacks, tapes. */
	struct tape **tapes; /* by thread */
	uint64_t *tape_at;   /* in the reel */
	uint64_t auxv_at, tids_at, stacks_at, tapes_at, reel_size;
	uint64_t reel_file_at; /* where the reel lies in the file of reels */
};

struct zone {
	uint64_t start, end;
	uint64_t code, reel, reel_room, park, stage, stage_end;
	uint64_t vdso_home; /* for a bridged vdso; outlives the zone */
};

/* What stands in a slot of the shelf besides objects' own fds. */
struct plan_reopen {
	struct object *object;
	int slot; /* opened again for writing, for a shared mapping */
};

enum { PLAN_KEEP = 4 };

struct plan {
	struct arena *arena;
	const struct host *host;
	struct facts *facts; /* proc_fd is set by the plan */
	struct tree *tree;
	struct objects *objects;
	bool shell_job;
	bool lazy; /* a daemon brings the pages that may come later */

	VEC(struct birth *) births; /* [0] is the root's; makers first */
	struct index births_by_pid;
	struct plan_task *tasks;    /* by tree index; dead ones unused */
	VEC(struct object *) order; /* objects, in the order of making */
	struct numbers numbers;	    /* that tasks want for their files */
	int shelf_base, shelf_end;  /* fd numbers */
	int fds_end;		    /* behind all numbers of tasks */
	int proc_slot;
	int root_slot, images_slot; /* where tasks look for files, and for
				     * images, whose contents they make */
	int keep_slot;		    /* the first of PLAN_KEEP for passing use */
	VEC(struct plan_reopen) reopens;
	struct zone zone;
	uint64_t reels_size;
};

/* Words at the start of every reel. */
struct reel_words {
	uint32_t met; /* TAPE_MEET counter: the threads and the coordinator */
	uint32_t led; /* the same: the leader has done what is for all */
	uint32_t mapped; /* the leader has made its areas */
	uint32_t filled; /* the coordinator has filled its share of them */
	uint32_t named;	 /* the same: the threads have their ids, and all
			  * capabilities still */
	uint32_t spare[11];
};

/* Everything below works on a plan whose inputs are set. */
int plan_make(struct plan *plan, struct err *err);
/* Its beginning, which needs no more than ids, files and areas of tasks: who
 * forks whom, and which fd numbers are used. */
int plan_numbers(struct plan *plan, struct err *err);
void plan_print(const struct plan *plan, FILE *out);

/* The parts, in this order. */
int plan_forest(struct plan *plan, struct err *err);
int plan_lazy(struct plan *plan, struct err *err);
int plan_slots(struct plan *plan, struct err *err);
/* For slots: what one task alone holds is made there. Objects have holders. */
void plan_apart(struct plan *plan);
int plan_layout(struct plan *plan, struct err *err);
int plan_tapes(struct plan *plan, struct err *err);

/* For the tapes: one task's memory. */
int plan_memory(struct plan *plan, struct plan_task *task, struct tape *tape,
	struct err *err);
/* vdso: park it first, put it where the task knew it later. */
void plan_vdso_park(struct plan *plan, struct tape *tape);
int plan_vdso_place(struct plan *plan, struct plan_task *task,
	struct tape *tape, struct err *err);
/* Is the task's vdso the host's own, so that it is moved, not bridged? */
bool plan_vdso_same(const struct plan *plan, const struct task *task);

/* Lazy pages: before areas are filled, when all else is done to them; is one
 * of a task's areas such? */
void plan_lazy_begin(const struct plan_task *pt, struct tape *tape);
void plan_lazy_register(const struct plan_task *pt, struct tape *tape);
bool plan_area_is_lazy(const struct plan_task *pt, size_t i);

/* Are any pages of a range of the task's addresses stored? */
bool plan_has_pages(const struct task *task, uint64_t start, uint64_t end);
bool plan_has_all_pages(const struct task *task, uint64_t start, uint64_t end);

/* A thread's stack: offset in the reel, and size. */
uint64_t plan_stack(const struct plan_task *pt, size_t thread);
uint64_t plan_stack_size(size_t thread);

/* The slot of an object; of its writable second fd if write. */
int plan_slot(const struct plan *plan, uint32_t id, bool write);

#endif
