/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/table.h"

/*
 * The order of this table is the order of asking, capturing and settling.
 * What must hold in it:
 *
 *	- signal actions before pending signals: ignoring a signal drops it
 *	- rlimits after timers and queued signals, which count against them
 *	- scheduling, limits and seccomp filters while still root: before creds
 *	- dumpable and the death signal after creds, which reset them
 */
const struct kind *const kinds[] = {
	/* tasks, after their threads are there */
	&kind_sigactions,
	&kind_rlimits,

	/* threads */
	&kind_altstack,
	&kind_tid_address,
	&kind_robust_list,
	&kind_rseq,
	&kind_sched,
	&kind_comm,
	&kind_creds,
	NULL,
};
