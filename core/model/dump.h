/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dump: what a kind's capture may use of the dump that goes on.
 */
#ifndef STASIS_MODEL_DUMP_H
#define STASIS_MODEL_DUMP_H

#include "image/set.h"
#include "kernel/sem.h"
#include "kernel/sockdiag.h"
#include "model/book.h"
#include "model/object.h"
#include "model/run.h"
#include "model/sighting.h"
#include "model/tree.h"
#include "model/victim.h"

struct dump;

/* What a kind may ask of the walk. */
struct dump_ops {
	/* The id in files.img of a file that no victim has under a number: fd
	 * is ours, and must stay open until the images are whole. */
	int (*file_of_ours)(
		struct dump *dump, int fd, uint32_t *ret_id, struct err *err);
};

struct dump {
	struct run *run;
	const struct dump_ops *ops;
	struct victim *ours; /* whose fds those are; NULL: none yet */
	struct arena *arena; /* the run's */
	struct image_set *images;
	struct wire *wire; /* to a page server; NULL: pages are kept here */
	struct kept_shop *shop; /* of pages that are kept (dump/kept.h), NULL */
	struct stream *stream;	/* where the images go; NULL: a directory */
	CpuinfoEntry *cpuinfo;	/* this host's CPU; NULL: not known */
	struct tree tree;
	uint64_t own_ns[8], own_time_ns; /* inodes; 0: not looked yet */
	uint64_t own_pid_children;	 /* of pid_for_children */
	uint64_t time_ns;		 /* the victims' */
	uint64_t frozen_at;		 /* microseconds after boot */
	bool own_pids;	   /* the tree lives in a pid namespace of its own */
	struct index pids; /* ... of its tasks, threads and groups, by ours */
	VEC(struct victim *) victims; /* in the order of tree.tasks */
	struct index victims_by_pid;
	struct sockdiag_inets *sockets; /* NULL until first needed */
	struct sem_uses semaphores;	/* once semaphores_seen */
	bool semaphores_seen;
	const char
		*own_label; /* of the engine (LSM); "": none; NULL: not read */
	struct registry *files; /* file objects by identity, dump/registry.c */
	uint32_t last_file_id;	/* of the entries in files.img */
	struct seccomp_book *seccomp; /* kinds/task/seccomp.c keeps it */
	struct unix_seen *unix_seen;  /* kinds/file/unix.c */
	struct track *track;	      /* what was written since, dump/track.h */
	struct memory_objects *memory; /* kinds/file/lib/memory_object.c */
	struct file_locks *locks;      /* kinds/task/file_locks.c; NULL: none */
	struct index write_leases;     /* inodes that are not to be opened */
	struct book *book;	       /* what file kinds remember, book.h */
	struct objects objects;	       /* all that was captured of files */
	VEC(uint32_t) deleted;	       /* ids of files without a name */
	VEC(uint32_t) outside; /* ids of files that must be given back */
};

/* The id of one more file entry, for kinds that need two for one file. */
uint32_t dump_file_id(struct dump *dump);

/* What the images call a process, thread, group or session that this host
 * calls so; 0: it is none of the tree's. */
pid_t dump_pid_in_images(const struct dump *dump, pid_t host);

/* Socket facts of the victims' network namespace, collected once. */
int dump_sockets(
	struct dump *dump, const struct sockdiag_inets **ret, struct err *err);

#endif
