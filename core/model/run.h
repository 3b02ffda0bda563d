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
#include <sys/types.h>
#include <time.h>

#include "backend.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/undo.h"
#include "options/options.h"
#include "stats/stats.h"

/* Is told of each moment before the scripts are (hooks/hooks.h); a failure
 * counts as that of a script. root: as for scripts. */
struct run_listener {
	int (*tell)(void *of, const char *moment, pid_t root, struct err *err);
	void *of;
};

/* In whose name a run goes. */
struct run_owner {
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t n_groups;
};

struct run {
	const struct options *opt;
	const struct backend *be;
	struct arena *arena;
	int images_dir, work_dir;
	int piped; /* -D -: what standard output or input was; -1: none */
	struct stream *source; /* restore: an image streamer; NULL: none */
	struct undo *undo;     /* what is changed outside of the processes */
	struct stats stats;
	uint64_t page_size;
	const struct run_listener *listener; /* NULL: nobody */
	/* Tasks must have these credentials and no others; NULL: any. */
	const struct run_owner *owner;
	/* Inode of the socket of a client that asked to be dumped itself; 0:
	 * none. */
	uint64_t client_socket;
	int script_status;   /* of the script that failed; 0: none, killed */
	bool scripts_decide; /* ... and it is the exit status of the program */
	bool patient;	     /* blocks INT and TERM while its steps run */
	pid_t program;	     /* whose child does the work; 0: it itself does */
};

/* Memory for a walk that has run out of it, for its next step and its way back.
 * --fail-at memory:N and last-memory:N: the N-th piece is not to be had, and
 * the latter neither from that memory. */
int run_put_aside(struct run *run, struct err *err);

/* The error of a walk that ran out of memory; 0 bytes: nobody knows how many.
 */
int run_no_memory(size_t size, struct err *err);
/* That error, if the arena had to take what was put aside. */
int run_check_memory(const struct run *run, struct err *err);

/* Every step of the walks begins with this. It fails with EINTR when INT or
 * TERM is pending (they are blocked while a walk runs), with ENOMEM when the
 * arena had to take what was put aside, and with EIO when
 * --fail-at names the step. Names are "dump.freeze", "restore.birth", ... */
int run_step(struct run *run, const char *name, struct err *err);

/* The same look at INT and TERM, for what waits long inside of a step. The
 * words behind "interrupted by SIGINT": "before", "dump.freeze". */
int run_check_interrupt(const struct run *run, const char *when,
	const char *what, struct err *err);

/* All names that --fail-at takes; NULL-terminated. */
extern const char *const run_steps[];

#endif
