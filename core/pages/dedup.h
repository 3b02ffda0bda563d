/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dedup: pages of which a newer set has other contents are taken out of the
 * sets that it builds upon: holes in their pages files, whose layout stays.
 *
 * Before the first hole the manifest of a set says for whom it has holes, and
 * no longer tells the digests of those files; afterwards it tells the new
 * ones. So what was killed in the middle is whole for that newer set, and to
 * all others a set with holes is refused by name (source_load). Sets of other
 * engines have no manifest, and nothing can be noted there.
 */
#ifndef STASIS_PAGES_DEDUP_H
#define STASIS_PAGES_DEDUP_H

#include "base/arena.h"
#include "base/err.h"

struct dedup_result {
	uint64_t pages; /* taken out */
	unsigned sets;	/* in which there were any */
};

/* dir: a set whose parents are to be freed of what it has anew, and its parents
 * of what theirs have. Without parents there is nothing to be done. */
int dedup_parents(struct arena *arena, int dir, struct dedup_result *ret,
	struct err *err);

/* All pages that a restore of the set has read, from it and its parents. It
 * cannot be restored again. */
int dedup_spend(struct arena *arena, int dir, struct dedup_result *ret,
	struct err *err);

#endif
