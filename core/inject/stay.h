/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stay: the agent in a victim, from its coming to its leaving.
 *
 * stay_begin maps the agent and its home (inject/home.h) and lets it boot,
 * stay_play has threads play their tapes, stay_end takes every thread out,
 * puts the action of SIGTRAP back, unmaps, and cures, whatever happened. If
 * the tracer is killed in between, the agent does all that, but for some of
 * the unmapping. Two moments are open, in the leader: from the first call to
 * the boot (two stops), and the last call (one stop).
 */
#ifndef STASIS_INJECT_STAY_H
#define STASIS_INJECT_STAY_H

#include "inject/home.h"
#include "inject/record.h"
#include "inject/remote.h"

/* What the thread of the same index plays. */
struct stay_play {
	const struct tape *tape;
	const void *block; /* out: the tape as played, in the arena */
};

/* threads: all of the process, the leader first; remote->leader is set. All
 * that the stay needs comes from the arena before the victim is touched. */
int stay_begin(struct arena *arena, struct remote *remote,
	struct remote_thread *threads, struct stay_play *plays, size_t n,
	struct err *err);
/* What the process does on SIGTRAP, as it said when the agent booted: a tape
 * that asks gets the agent's answer. */
const struct home_action *stay_trap(const struct remote *remote);
/* Every thread plays its tape, all at once; blocks are read back even when
 * one failed. */
int stay_play(struct remote *remote, struct err *err);
/* A thread that sleeps inside the kernel, and does not stop, stays behind: it
 * cures itself when it comes back. Also without stay_begin, or after one that
 * failed. */
int stay_end(struct remote *remote, struct remote_thread *threads, size_t n,
	struct err *err);

#endif
