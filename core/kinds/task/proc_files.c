/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proc files: what a task is told by writing to files of /proc/self: its
 * score for the OOM killer, its login uid, what its core dumps hold, the
 * weight of its session's autogroup.
 *
 * Each is written only if it differs from what newborns have. Settles before
 * the threads and limits, while a file can surely be opened. facts->proc_fd
 * is the coordinator's /proc, for the task may see none.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kinds/table.h"
#include "model/dump.h"
#include "model/extra.h"
#include "model/facts.h"

/* "/autogroup-77 nice 5"; no such file without CONFIG_SCHED_AUTOGROUP, and
 * nothing of note in tasks that lead no session. */
static void autogroup_keep(struct dump *dump, const struct victim *victim)
{
	StasisTaskExtra *extra;
	char text[64];
	const char *nice;

	if (victim->task->sid != victim->task->pid ||
		proc_read_small(&victim->proc, 0, "autogroup", text,
			sizeof(text), NULL, ERR_UNREAD))
		return;
	nice = strstr(text, " nice ");
	if (!nice || !atoi(nice + 6))
		return;
	extra = extra_of_task(dump->arena, victim);
	extra->has_autogroup_nice = 1;
	extra->autogroup_nice = atoi(nice + 6);
}

static int proc_files_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	const struct proc *proc = &sight->victim->proc;
	StasisTaskExtra *extra = extra_of_task(dump->arena, sight->victim);
	TaskCoreEntry *tc = ((CoreEntry *)msg)->tc;
	uint32_t filter;
	int ret;

	ret = proc_read_oom_score_adj(proc, &tc->oom_score_adj, err);
	if (!ret)
		ret = proc_read_loginuid(proc, &tc->loginuid, err);
	if (!ret)
		ret = proc_read_coredump_filter(proc, &filter, err);
	if (ret)
		return ret;
	tc->has_oom_score_adj = 1;
	tc->has_loginuid = 1;
	extra->has_coredump_filter = 1;
	extra->coredump_filter = filter;
	autogroup_keep(dump, sight->victim);
	return 0;
}

/* flags: TAPE_MAY_FAIL for what not every kernel allows. */
static void text_emit(struct tape *tape, const struct facts *facts,
	const char *name, uint8_t flags, const char *text)
{
	bool by_fd = facts->proc_fd >= 0;
	const char *path = arena_printf(
		tape->arena, "%sself/%s", by_fd ? "" : "/proc/", name);
	uint64_t path_at = tape_data(tape, path, strlen(path) + 1);
	uint64_t text_at = tape_data(tape, text, strlen(text));
	uint32_t fd;

	tape_about(tape, "%s", name);
	fd = tape_call_flags(tape, flags, CALL_openat,
		A(by_fd ? facts->proc_fd : AT_FDCWD), A_DATA(path_at),
		A(O_WRONLY | O_CLOEXEC));
	tape_call_flags(tape, flags, CALL_write, A_RESULT(fd), A_DATA(text_at),
		A(strlen(text)));
	tape_call_flags(tape, flags, CALL_close, A_RESULT(fd));
}

static int proc_files_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const TaskCoreEntry *tc = holder->thread->core->tc;
	const StasisTaskExtra *extra = holder->task->extra;
	const struct facts *facts = holder->facts;
	char text[32];

	(void)object;
	(void)err;
	if (tc->has_oom_score_adj &&
		tc->oom_score_adj != facts->oom_score_adj) {
		snprintf(text, sizeof(text), "%d", tc->oom_score_adj);
		text_emit(tape, facts, "oom_score_adj", 0, text);
	}
	/* The audit rules of the host may forbid to change it. */
	if (tc->has_loginuid && tc->loginuid != facts->loginuid) {
		snprintf(text, sizeof(text), "%u", tc->loginuid);
		text_emit(tape, facts, "loginuid", TAPE_MAY_FAIL, text);
	}
	if (extra && extra->has_coredump_filter &&
		extra->coredump_filter != facts->coredump_filter) {
		snprintf(text, sizeof(text), "%#x", extra->coredump_filter);
		text_emit(tape, facts, "coredump_filter", 0, text);
	}
	/* Every kernel can be built without. */
	if (extra && extra->has_autogroup_nice) {
		snprintf(text, sizeof(text), "%d", extra->autogroup_nice);
		text_emit(tape, facts, "autogroup", TAPE_MAY_FAIL, text);
	}
	return 0;
}

const struct kind kind_proc_files = {
	.name = "proc files",
	.scope = SCOPE_TASK,
	.stage = STAGE_BEFORE_THREADS,
	.capture = proc_files_capture,
	.emit = proc_files_emit,
};
