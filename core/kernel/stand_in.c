/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/stand_in.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/clone3.h"

/* What child and parent share. */
struct report {
	int code; /* 1: it did not get that far */
	int ret[STAND_IN_RESULTS];
	struct err err;
};

static bool is_own(const struct stand_in *who)
{
	return (!who->pid || who->pid == getpid()) && !who->apart_mounts &&
	       (!who->has_ids ||
		       (who->uid == geteuid() && who->gid == getegid()));
}

/* The real and saved ids stay, and with them the way back. */
static int ids_take(const struct stand_in *who, struct err *err)
{
	if (!who->has_ids)
		return 0;
	if (setresgid((gid_t)-1, who->gid, (gid_t)-1) ||
		setresuid((uid_t)-1, who->uid, (uid_t)-1))
		return err_errno(
			err, "acting as user %u, group %u", who->uid, who->gid);
	return 0;
}

static int mounts_part(const struct stand_in *who, struct err *err)
{
	if (who->apart_mounts &&
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return err_errno(err, "parting from the mounts of others");
	return 0;
}

static void child_run(const struct stand_in *who,
	int (*work)(void *of, int ret[STAND_IN_RESULTS], struct err *err),
	void *of, struct report *report)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	report->code = mounts_part(who, &report->err) ?:
		       ids_take(who, &report->err) ?:
		       work(of, report->ret, &report->err);
	_exit(0);
}

static int child_make(
	const struct stand_in *who, pid_t *ret_pid, struct err *err)
{
	struct clone3_wish wish = {
		.flags = CLONE_FILES | (who->apart_mounts ? CLONE_NEWNS : 0),
		.set_tid = who->pid ? &who->pid : NULL,
		.set_tid_n = who->pid ? 1 : 0,
		.exit_signal = SIGCHLD,
	};
	int code = clone3_fork(&wish, ret_pid, who->pid ? ERR_UNREAD : err);

	if (!code || !who->pid)
		return code;
	wish.set_tid = NULL;
	wish.set_tid_n = 0;
	return clone3_fork(&wish, ret_pid, err);
}

static int child_do(const struct stand_in *who,
	int (*work)(void *of, int ret[STAND_IN_RESULTS], struct err *err),
	void *of, struct report *report, struct err *err)
{
	sigset_t all, before;
	int status, code;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	code = child_make(who, &pid, err);
	if (!code && !pid)
		child_run(who, work, of, report);
	while (!code && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return code;
}

int stand_in_do(const struct stand_in *who,
	int (*work)(void *of, int ret[STAND_IN_RESULTS], struct err *err),
	void *of, int ret[STAND_IN_RESULTS], struct err *err)
{
	struct report *report;
	int code;

	for (int i = 0; i < STAND_IN_RESULTS; i++)
		ret[i] = -1;
	if (is_own(who))
		return work(of, ret, err);
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED)
		return err_errno(err, "memory to share with a child");
	*report = (struct report){.code = 1};
	memcpy(report->ret, ret, sizeof(report->ret));
	code = child_do(who, work, of, report, err);
	if (!code && report->code > 0)
		code = err_set(err, EIO, "a child of the engine was killed");
	else if (!code && report->code) {
		*err = report->err;
		code = report->code;
	}
	memcpy(ret, report->ret, sizeof(report->ret));
	munmap(report, sizeof(*report));
	return code;
}
