/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stand_in: something done under another pid and other ids than ours, for
 * what the kernel notes of who did it (SO_PEERCRED, SCM_CREDENTIALS of
 * unix(7)).
 *
 * A child does it, with our fd table and a copy of our memory: what it opens
 * is open here, and what it returns are four numbers. Where nothing is to be
 * another's, the caller does it itself.
 */
#ifndef STASIS_KERNEL_STAND_IN_H
#define STASIS_KERNEL_STAND_IN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

enum { STAND_IN_RESULTS = 4 };

struct stand_in {
	pid_t pid;    /* 0: any; one that is taken: any, too */
	bool has_ids; /* effective ids, in our user namespace */
	uid_t uid;
	gid_t gid;
	bool apart_mounts; /* in a mount namespace of its own, of which
			    * nothing is propagated (CAP_SYS_ADMIN) */
};

/* work returns 0 or -errno with the err filled, and so does this. ret: numbers
 * that it left, -1 where it left none. Ids that we may not take are -EPERM. */
int stand_in_do(const struct stand_in *who,
	int (*work)(void *of, int ret[STAND_IN_RESULTS], struct err *err),
	void *of, int ret[STAND_IN_RESULTS], struct err *err);

#endif
