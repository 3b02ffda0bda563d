/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tracer: the child in which all that traces and injects is done, so that
 * whoever kills the program does not leave a half-done process behind.
 *
 * It is a session of its own (no terminal's and no group's signal reaches it)
 * and blocks every signal that can be blocked. The death of the program,
 * whatever the cause, reaches it as SIGTERM (PR_SET_PDEATHSIG), which ends a
 * walk between its steps and undoes it (run_step); so do SIGINT and SIGTERM
 * that are sent to the program meanwhile. Its fds, log and standard output
 * are the program's, and the memory that was mapped shared before.
 */
#ifndef STASIS_MODEL_TRACER_H
#define STASIS_MODEL_TRACER_H

#include "model/run.h"

/*
 * Does the work in the child and waits for its end. run->patient must be
 * true. What the work left in run->stats, script_status and scripts_decide,
 * its error and its return value are as if it had been done here; nothing
 * else comes back. A child that was killed before the end is -EOWNERDEAD.
 */
int tracer_run(struct run *run, int (*work)(void *of, struct err *err),
	void *of, struct err *err);

#endif
