/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lazy: pages are brought when they are touched, and the others in the
 * background, from an image set or from a page server that has them.
 *
 * One loop, no threads. Each memory (member) has a userfaultfd; children that
 * its process forks meanwhile become members of the same family: they share
 * what the images say. Until the restore is finished only what is touched is
 * brought. Who must not see a memory that is not whole: see roster.h.
 *
 * What is waited for ends: the page server must answer within idle_seconds of
 * its wire, and `look` is asked often. A failure leaves the roster as it is;
 * the caller ends who is on it.
 */
#ifndef STASIS_PAGES_LAZY_H
#define STASIS_PAGES_LAZY_H

#include "image/set.h"
#include "pages/missing.h"
#include "pages/roster.h"
#include "pages/source.h"
#include "pages/wire.h"

/* What the images say of one task's memory. */
struct lazy_family {
	struct lazy_family *next;
	pid_t pid; /* in the images */
	bool announced;
	struct source source;
	struct source_reader reader;
	unsigned asked; /* requests that are not answered yet */
};

struct lazy_member {
	struct lazy_member *next;
	struct lazy_family *family;
	struct arena *arena;
	size_t seat;
	int uffd; /* the seat's */
	bool gone;
	struct missing missing;
	uint64_t cursor; /* what comes next in the background is behind it */
	VEC(uint64_t) faults; /* pages that somebody waits for */
};

struct lazy_request {
	struct lazy_family *family;
	uint64_t from, size;
};

struct lazy {
	struct arena *arena;
	struct image_set *images;
	uint32_t page_size;
	struct wire *wire; /* to a page server; NULL: all is in the images */
	struct roster *roster;
	int client; /* the restore's connection; -1: it is gone */
	int (*look)(void *of, struct err *err);
	void *of;

	/* The loop's own. */
	bool finished;		    /* the restore is */
	size_t announced, expected; /* tasks of the images */
	struct lazy_family *families;
	struct lazy_member *members;
	struct lazy_request *requests; /* a ring, in the order of asking */
	size_t first_request, n_requests;
	uint64_t chunk; /* bytes that come in the background at once */
	char *room;
	uint64_t idle_since;	  /* ms; when the server last answered */
	uint64_t brought, faults; /* bytes; pages that were waited for */
};

/* Serves the restore that is connected, until nothing is missing any more. */
int lazy_run(struct lazy *lazy, struct err *err);

/* --- for lazy_events.c and lazy_bring.c ---------------------------------- */

int lazy_member_add(struct lazy *lazy, struct lazy_family *family, int uffd,
	pid_t pid, struct lazy_member **ret, struct err *err);

/* Takes what the kernel tells of a member: faults are put down, all else is
 * done at once. */
int lazy_events_read(
	struct lazy *lazy, struct lazy_member *member, struct err *err);

/* Faults that can be answered, are. */
int lazy_faults_answer(
	struct lazy *lazy, struct lazy_member *member, struct err *err);
/* Some more in the background; *ret_some: there was something to do. */
int lazy_push(struct lazy *lazy, bool *ret_some, struct err *err);
/* One answer of the server. */
int lazy_answer_take(struct lazy *lazy, struct err *err);

#endif
