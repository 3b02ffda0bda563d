/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * news: what wait(2) has yet to tell a parent of its living children: that one
 * was stopped, or continued. No file tells it, so the parent asks without
 * taking it. It is brought back where the tree is born, which takes part in
 * the stop itself (restore/halt.h).
 */
#include <signal.h>
#include <sys/wait.h>

#include "kinds/table.h"
#include "model/dump.h"
#include "model/extra.h"

static int news_ask(struct tape *tape, const struct victim_thread *thread,
	struct answer *answer, struct err *err)
{
	const struct task *task = thread->victim->task;
	uint64_t at;

	(void)answer;
	(void)err;
	if (!task)
		return 0;
	for (size_t i = 0; i < task->children.n; i++) {
		if (task->children.at[i]->state == TASK_DEAD)
			continue;
		tape_about(tape, "news of child %d", task->children.at[i]->pid);
		at = tape_data(tape, NULL, sizeof(siginfo_t));
		tape_try(tape, CALL_waitid, A(P_PID),
			A(task->children.at[i]->pid), A_DATA(at),
			A(WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT | __WALL),
			A(0));
	}
	return 0;
}

/* All zeros are no news. */
static void news_keep(
	struct dump *dump, const struct task *child, const siginfo_t *info)
{
	int news = info->si_pid == child->pid ? info->si_code : 0;
	StasisTaskExtra *extra;

	if (news != CLD_STOPPED && news != CLD_CONTINUED)
		news = 0;
	if (!news && child->state != TASK_STOPPED)
		return;
	extra = extra_of_task(dump->arena, dump->victims.at[child->index]);
	extra->has_news = 1;
	extra->news = (uint32_t)news;
}

static int news_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	const struct task *task = sight->victim->task;
	siginfo_t info;
	int64_t told;
	uint32_t asked = 0;
	int code = 0;

	(void)msg;
	for (size_t i = 0; task && i < task->children.n && !code; i++) {
		if (task->children.at[i]->state == TASK_DEAD)
			continue;
		code = answer_read(sight->thread, sight->answer,
			asked * sizeof(info), &info, sizeof(info), err);
		if (!code)
			code = answer_result(sight->thread, sight->answer,
				asked++, 0, 0, &told, err);
		if (!code && told == 0)
			news_keep(dump, task->children.at[i], &info);
	}
	return code;
}

const struct kind kind_news = {
	.name = "news of children",
	.scope = SCOPE_TASK,
	.stage = STAGE_AFTER_THREADS,
	.ask = news_ask,
	.capture = news_capture,
};
