/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run: one request, from its options to its answer.
 *
 * All that a dump, a restore or an inspection needs to know hangs on it;
 * there is no other state. The one who makes it owns the fds and the arena.
 */
#ifndef STASIS_MODEL_RUN_H
#define STASIS_MODEL_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "backend.h"
#include "base/arena.h"
#include "base/err.h"
#include "options/options.h"
#include "stats/stats.h"

struct run {
	const struct options *opt;
	const struct backend *be;
	struct arena *arena;
	int images_dir, work_dir;
	struct stats stats;
	uint64_t page_size;
	bool patient; /* blocks INT and TERM while its steps run */
};

/* Every step of the walks begins with this. It fails with EINTR when INT or
 * TERM is pending (they are blocked while a walk runs), and with EIO when
 * --fail-at names the step. Names are "dump.freeze", "restore.birth", ... */
int run_step(struct run *run, const char *name, struct err *err);

/* All names that --fail-at takes; NULL-terminated. */
extern const char *const run_steps[];

#endif
