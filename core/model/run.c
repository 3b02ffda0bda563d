/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

const char *const run_steps[] = {"dump.parent", "dump.freeze", "dump.discover",
	"dump.track", "dump.interview", "dump.inject", "dump.capture",
	"dump.files", "dump.memory", "dump.pages", "dump.again", "dump.keep",
	"dump.commit", "dump.depart", "restore.read", "restore.plan",
	"restore.make", "restore.birth", "restore.perform", "restore.place",
	"restore.depart", NULL};

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

int run_no_memory(size_t size, struct err *err)
{
	if (size)
		err_set(err, ENOMEM,
			"memory ran out: the system had no %zu bytes more for "
			"this program",
			size);
	else
		err_set(err, ENOMEM, "memory ran out");
	return err_hint(err, "raise its limits (ulimit -v, ulimit -d) or those "
			     "of its control group");
}

static uint64_t number_after(const char *word, const char *text)
{
	size_t n = strlen(word);

	return text && !strncmp(text, word, n) ? strtoull(text + n, NULL, 10)
					       : 0;
}

int run_put_aside(struct run *run, struct err *err)
{
	enum { ROOM = 4 << 20, ROOM_ENDS = 1 << 20 };
	uint64_t last = number_after("last-memory:", run->opt->fail_at);

	if (arena_reserve(run->arena, ROOM, ROOM_ENDS))
		return run_no_memory(ROOM, err);
	arena_fail_at(run->arena,
		last ?: number_after("memory:", run->opt->fail_at), last != 0);
	return 0;
}

int run_check_memory(const struct run *run, struct err *err)
{
	size_t size = arena_failed(run->arena);

	return size ? run_no_memory(size, err) : 0;
}

int run_step(struct run *run, const char *name, struct err *err)
{
	int code;

	log_debug("step %s", name);
	code = run_check_interrupt(run, "before", name, err);
	if (!code)
		code = run_check_memory(run, err);
	if (code)
		return code;
	if (run->opt->fail_at && strcmp(run->opt->fail_at, name) == 0)
		return err_set(
			err, EIO, "step %s failed as asked by --fail-at", name);
	return 0;
}
