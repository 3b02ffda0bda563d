/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inject/lift.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/resource.h>

#include "inject/regs.h"
#include "kernel/proc.h"

/* Those that a mapping counts against, and locked memory (MCL_FUTURE). */
static const int lifted[REMOTE_LIMITS] = {
	RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK};

enum { ALL_LIMITS = 16, BELOW_STACK = 1024 };

/* Behind what a function may use below its stack pointer: what stands there
 * is nobody's, and is put back all the same. */
static uint64_t scratch_at(const struct remote *remote)
{
	const void *gpr = remote->leader->regs->set[0].bytes;
	uint64_t sp = remote->be->reg_get(gpr, REG_SP) & ~15ull;
	uint64_t probe;

	return memory_read(&remote->memory, sp - BELOW_STACK, &probe,
		       sizeof(probe), ERR_UNREAD)
		       ? sp
		       : sp - BELOW_STACK;
}

/* prlimit64 by the process itself. */
static int limit_set(struct remote *remote, int which,
	const struct rlimit *limit, struct err *err)
{
	uint64_t at = scratch_at(remote), was[2];
	const uint64_t args[6] = {0, (uint64_t)which, at, 0};
	const uint64_t pair[2] = {limit->rlim_cur, limit->rlim_max};
	int64_t result = 0;
	int code, also;

	code = memory_read(&remote->memory, at, was, sizeof(was), err);
	if (!code)
		code = memory_write(
			&remote->memory, at, pair, sizeof(pair), err);
	if (code)
		return code;
	code = remote_call(
		remote, remote->leader, CALL_prlimit64, args, &result, err);
	also = memory_write(
		&remote->memory, at, was, sizeof(was), code ? ERR_UNREAD : err);
	code = code ?: also;
	if (!code && result < 0)
		code = err_code(err, (int)result,
			"setting a limit of memory in process %d",
			remote->memory.pid);
	return code;
}

int lift_limits(struct remote *remote, struct err *err)
{
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	struct proc_limit all[ALL_LIMITS];
	struct rlimit high, *old;
	bool any = false;
	int code;

	code = proc_open(remote->memory.pid, &proc, err);
	if (!code)
		code = proc_limits_read(&proc, all, ALL_LIMITS, err);
	for (int i = 0; i < REMOTE_LIMITS && !code; i++) {
		old = &remote->limits[i];
		*old = (struct rlimit){all[lifted[i]].cur, all[lifted[i]].max};
		if (old->rlim_cur == old->rlim_max)
			continue;
		high = (struct rlimit){old->rlim_max, old->rlim_max};
		/* Also when it failed: perhaps only its result was lost. */
		remote->lifted[i] = any = true;
		code = limit_set(remote, lifted[i], &high, err);
	}
	if (!code && !any)
		code = err_set(err, ENOMEM,
			"the limits of process %d are at their highest",
			remote->memory.pid);
	return code;
}

int lift_end(struct remote *remote, struct err *err)
{
	int code = 0, also;

	for (int i = 0; i < REMOTE_LIMITS; i++) {
		if (!remote->lifted[i])
			continue;
		also = limit_set(remote, lifted[i], &remote->limits[i],
			code ? ERR_UNREAD : err);
		/* A stack that cannot be used: then from here, with rights. */
		if (also && !prlimit(remote->memory.pid, lifted[i],
				    &remote->limits[i], NULL))
			also = 0;
		remote->lifted[i] = also != 0;
		code = code ?: also;
	}
	return code;
}
