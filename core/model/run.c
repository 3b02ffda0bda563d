/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/run.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/log.h"

const char *const run_steps[] = {"dump.freeze", "dump.discover",
	"dump.interview", "dump.inject", "dump.capture", "dump.files",
	"dump.memory", "dump.pages", "dump.commit", "dump.depart",
	"restore.read", "restore.plan", "restore.make", "restore.birth",
	"restore.perform", "restore.place", "restore.depart", NULL};

int run_check_interrupt(const struct run *run, const char *when,
	const char *what, struct err *err)
{
	sigset_t pending;
	int sig;

	if (!run->patient || sigpending(&pending))
		return 0;
	sig = sigismember(&pending, SIGINT) == 1    ? SIGINT
	      : sigismember(&pending, SIGTERM) == 1 ? SIGTERM
						    : 0;
	if (!sig)
		return 0;
	err_set(err, EINTR, "interrupted by %s %s %s",
		sig == SIGINT ? "SIGINT" : "SIGTERM", when, what);
	return err_hint(err, "everything is as it was before");
}

int run_step(struct run *run, const char *name, struct err *err)
{
	int code;

	log_debug("step %s", name);
	code = run_check_interrupt(run, "before", name, err);
	if (code)
		return code;
	if (run->opt->fail_at && strcmp(run->opt->fail_at, name) == 0)
		return err_set(
			err, EIO, "step %s failed as asked by --fail-at", name);
	return 0;
}
