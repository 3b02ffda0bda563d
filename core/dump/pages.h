/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pages: the bulk: page contents from victims to pages files.
 *
 * Jobs are collected first, one per pages file; pages_copy then runs them
 * all with worker threads, the only ones in the program. A worker takes one
 * digest chunk of a file at a time: read from the victim, hash while it is
 * in cache, write. Where the tree lives on, reading goes through
 * /proc/PID/mem, which leaves copy-on-write pages shared. What the kernel
 * lets nobody but the tracer read (kernel/memory.h) is left to the calling
 * thread, which has stopped the victims.
 */
#ifndef STASIS_DUMP_PAGES_H
#define STASIS_DUMP_PAGES_H

#include "image/pages.h"
#include "model/dump.h"
#include "pages/wire.h"
#include "stats/progress.h"

struct pages_span {
	uint64_t start, size; /* address, or offset in the object */
	uint64_t at;	      /* in the pages file */
};

struct pages_job {
	enum wire_object what; /* of what: its map is */
	uint64_t id;
	struct pages_writer writer; /* of the map, where it is a file */
	VEC(struct pages_run) runs; /* of it, where it is sent */
	uint32_t pages_id;
	pid_t pid;	    /* source: a victim ... */
	const char *object; /* ... or the path of a memory object */
	int source;	    /* open while it is copied, or before */
	VEC(struct pages_span) spans;
	uint64_t size;
	uint64_t in_common; /* bytes of it that others have, copy-on-write */
	int fd;		    /* the pages file */
	uint64_t *digests;
	struct pages_job *next;
};

struct pages_jobs {
	struct wire *wire;     /* to a page server; NULL: into the images */
	struct stream *stream; /* these go out; NULL: into files */
	/* The victims run meanwhile: what is gone reads as zeros, since it
	 * counts as written in the next round. */
	bool running;
	struct pages_job *first, **last;
	uint32_t next_id; /* of pages files */
	uint64_t size;	  /* of all */
};

/* Pages go where the dump's wire or stream leads, or into files. */
void pages_jobs_init(struct pages_jobs *jobs, const struct dump *dump);
/* The pages of a victim; of a shared object, which is opened by its path when
 * it is copied. Its map is begun. */
int pages_job_new(struct dump *dump, struct pages_jobs *jobs,
	const struct victim *victim, struct pages_job **ret, struct err *err);
int pages_job_new_object(struct dump *dump, struct pages_jobs *jobs,
	uint32_t shmid, const char *path, struct pages_job **ret,
	struct err *err);
/* In order. flags: PAGES_*, PRESENT or PARENT among them. */
int pages_job_add(struct dump *dump, struct pages_jobs *jobs,
	struct pages_job *job, uint64_t start, uint64_t size, uint32_t flags,
	struct err *err);
/* The same for pages that are kept where they are: the map says so. */
int pages_job_keep(struct dump *dump, struct pages_job *job, uint64_t start,
	uint64_t size, struct err *err);
/* Its map is whole. */
int pages_job_end(
	struct pages_jobs *jobs, struct pages_job *job, struct err *err);

/* Opens what it is copied from, while that is sure to be the right one. */
int pages_job_hold(struct pages_job *job, struct err *err);

int pages_copy(struct dump *dump, struct pages_jobs *jobs, struct err *err);
/* After a failure: what is still open. */
void pages_jobs_close(struct pages_jobs *jobs);

#endif
