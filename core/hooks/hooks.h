/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hooks: programs of the user that are told how far a run is, and before them
 * the run's listener, if there is one.
 *
 * Each --action-script is run by the shell, the last one given first, with
 * CRTOOLS_SCRIPT_ACTION (the name of the moment), CRTOOLS_IMAGE_DIR (below the
 * engine in /proc, or below its own shell where it has less rights than the
 * engine: as long as that lives) and, once the root task is known,
 * CRTOOLS_INIT_PID in its environment. Blocks until
 * all have ended. What a failure means is up to the moment: the caller
 * aborts, or logs and goes on.
 */
#ifndef STASIS_HOOKS_HOOKS_H
#define STASIS_HOOKS_HOOKS_H

#include <sys/types.h>

#include "base/err.h"
#include "model/run.h"

/* name: "pre-dump", "post-restore", ... root: 0 while there is none. Stops at
 * the first that fails; a script: ECANCELED, with its name and its status,
 * which is also left in run->script_status. */
int hooks_run(struct run *run, const char *name, pid_t root, struct err *err);
/* For moments that are no matter for scripts. */
int hooks_tell(
	const struct run *run, const char *name, pid_t root, struct err *err);

#endif
