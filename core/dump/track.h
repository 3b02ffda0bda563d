/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * track: which pages of the victims were written since the round before, and
 * that it is noted from now on.
 *
 * Where the kernel has soft-dirty marks these are used, so that rounds of
 * other engines fit between ours; else userfaultfd (kernel/uffd_watch.h), whose
 * fds a keeper holds between rounds. A page counts as clean only where that is
 * sure: of a process that was there then, in an area that has been watched
 * since. All else counts as written.
 *
 * Nothing is changed in a victim before track_again.
 */
#ifndef STASIS_DUMP_TRACK_H
#define STASIS_DUMP_TRACK_H

#include "dump/keeper.h"
#include "dump/parent.h"
#include "model/dump.h"

enum track_how { TRACK_NONE, TRACK_SOFT_DIRTY, TRACK_UFFD };

struct track_span {
	uint64_t start, end;
};

/* One victim. */
struct track_victim {
	const struct source *parent; /* its pages there; NULL: not known */
	bool remote;		     /* a page server has those of the parent */
	int uffd, pidfd;	     /* -1: none */
	VEC(struct track_span) written; /* found now, in order */
};

struct track {
	enum track_how how;
	bool again;	       /* it is noted from now on */
	struct parent *parent; /* NULL: nothing is left out */
	struct keeper_lease lease;
	struct keeper keeper;
	struct track_victim *victims; /* as dump->victims */
};
#define TRACK_CLOSED \
	((struct track){.lease = KEEPER_LEASE_NONE, .keeper = KEEPER_NONE})

/* Before the freeze: can it be tracked at all? ENOTSUP with the reason. */
int track_open(struct dump *dump, struct track *track, struct err *err);

/* Frozen, and their areas known: which of them have been watched. Areas that
 * we watch lose their MAP_VM_UW and are tracked. */
int track_look(struct dump *dump, struct track *track, struct err *err);

/* Is a page of this area, which exists, as it was in the round before? */
bool track_is_clean(const struct track *track, const struct victim *victim,
	const struct map *map, uint32_t pagemap_flags);

/* The part from start on, up to end, of which the parent has all or nothing;
 * *ret_there says which. */
uint64_t track_there(const struct source *parent, uint64_t start, uint64_t end,
	bool *ret_there);

struct track_victim *track_of(
	const struct track *track, const struct victim *victim);

/* All that is there counts as clean from now on. What cannot be watched will
 * count as written. */
int track_again(struct dump *dump, struct track *track, struct err *err);

/* The images are whole except for being in place: a keeper is started, and
 * told to stay when they are. */
int track_keep(struct dump *dump, struct track *track, struct err *err);
void track_confirm(struct dump *dump, struct track *track);

/* Whatever happened: what is not kept by a keeper ends. */
void track_close(struct dump *dump, struct track *track);

#endif
