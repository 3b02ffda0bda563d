/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts: what a plan knows besides the tree: the host it will be played on,
 * and what newborns have before their tapes play.
 *
 * Newborns are forked from the coordinator and inherit much of what it is;
 * with this a tape holds only what differs. The walk fills it before planning
 * (facts_read, then the fields that it alone knows); kinds only read it. A
 * plan made without a host (for printing, in tests) uses a literal one.
 */
#ifndef STASIS_MODEL_FACTS_H
#define STASIS_MODEL_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "kernel/features.h"
#include "kernel/proc.h"
#include "kernel/sched.h"
#include "proto/security.pb-c.h"

enum { FACTS_RLIMITS = 16 };

struct facts {
	/* The walk's: */
	const SeccompEntry *seccomp; /* seccomp.img; NULL: there is none */
	int proc_fd; /* /proc, open in newborns while they play; -1: not */

	/* The host's: */
	bool timer_restore_ids; /* PR_TIMER_CREATE_RESTORE_IDS, 6.15 */
	uint32_t last_cap;	/* the highest capability it knows */

	/* What newborns start with: */
	uint32_t uid[4], gid[4]; /* PROC_ID_*; in their user namespace */
	const uint32_t *groups;
	size_t n_groups;
	uint64_t cap_inh, cap_prm, cap_bnd, cap_amb;
	uint32_t securebits;
	bool no_new_privs;
	int dumpable, suid_dumpable; /* the latter: by a change of ids */
	struct {
		uint64_t cur, max;
	} rlimits[FACTS_RLIMITS];
	uint32_t personality;
	int oom_score_adj;
	uint32_t loginuid; /* UINT32_MAX: not set */
	uint32_t coredump_filter;
	uint64_t timerslack;
	struct sched_attrs sched;
	int ioprio;
	bool mempolicy;	   /* a NUMA policy that is not the usual one */
	bool affinity_all; /* may run on every CPU that is online */
};

/* Fills all but the walk's fields from the calling process. */
int facts_read(struct arena *arena, struct kernel_features *features,
	struct facts *ret, struct err *err);

/* Newborns start in a new user namespace, as its root: ids 0, no groups,
 * every capability. */
void facts_enter_userns(struct facts *facts);

/* Every capability of the host. */
uint64_t facts_all_caps(const struct facts *facts);

#endif
