/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sigactions: what a task does on each of 62 signals (all but KILL and STOP).
 *
 * A newborn has the default action everywhere. Ignoring a signal discards
 * it where it is pending, so pending signals come later.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/ending.h"
#include "kinds/table.h"
#include "model/dump.h"

enum { SIGNALS = 64, ACTIONS = SIGNALS - 2 };

/* The kernel's struct sigaction of all three machines. */
struct action {
	uint64_t handler, flags, restorer, mask;
};

/* Signal of the i-th stored action. */
static int action_signal(size_t i)
{
	int sig = (int)i + 1;

	if (sig >= SIGKILL)
		sig++;
	if (sig >= SIGSTOP)
		sig++;
	return sig;
}

static int sigactions_ask(struct tape *tape, const struct victim_thread *thread,
	struct answer *answer, struct err *err)
{
	uint64_t at = tape_data(tape, NULL, sizeof(struct action[ACTIONS]));

	(void)thread;
	(void)answer;
	(void)err;
	tape_about(tape, "signal actions");
	for (size_t i = 0; i < ACTIONS; i++)
		tape_call(tape, CALL_rt_sigaction, A(action_signal(i)), A(0),
			A_DATA(at + i * sizeof(struct action)), A(8));
	return 0;
}

static int sigactions_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	TaskCoreEntry *tc = ((CoreEntry *)msg)->tc;
	struct action actions[ACTIONS], *action = actions;
	SaEntry *entry;
	int ret;

	ret = answer_read(
		sight->thread, sight->answer, 0, actions, sizeof(actions), err);
	if (ret)
		return ret;
	/* The agent's own, while it was asked. */
	memcpy(&actions[SIGTRAP - 1], sight->thread->victim->trap_action,
		sizeof(struct action));
	tc->n_sigactions = ACTIONS;
	tc->sigactions = arena_newn(dump->arena, SaEntry *, ACTIONS);
	for (size_t i = 0; i < ACTIONS; i++, action++) {
		entry = tc->sigactions[i] = arena_new1(dump->arena, SaEntry);
		sa_entry__init(entry);
		entry->sigaction = action->handler;
		entry->flags = action->flags;
		entry->restorer = action->restorer;
		entry->mask = action->mask;
		entry->has_compat_sigaction = 1;
	}
	return 0;
}

static int sigactions_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const TaskCoreEntry *tc = holder->thread->core->tc;
	char label[SIGNAL_LABEL];
	struct action action;
	const SaEntry *entry;
	uint64_t at;

	(void)object;
	if (tc->n_sigactions != ACTIONS)
		return err_set(err, EINVAL,
			"the image of task %d has %zu signal actions, not %d",
			holder->task->pid, tc->n_sigactions, ACTIONS);
	for (size_t i = 0; i < ACTIONS; i++) {
		entry = tc->sigactions[i];
		action = (struct action){entry->sigaction, entry->flags,
			entry->restorer, entry->mask};
		if (!action.handler && !action.flags && !action.mask)
			continue;
		if (entry->compat_sigaction)
			return err_set(err, ENOTSUP,
				"task %d has a 32-bit handler for %s",
				holder->task->pid,
				signal_label(action_signal(i), label));
		tape_about(tape, "action of %s",
			signal_label(action_signal(i), label));
		at = tape_data(tape, &action, sizeof(action));
		tape_call(tape, CALL_rt_sigaction, A(action_signal(i)),
			A_DATA(at), A(0), A(8));
	}
	return 0;
}

const struct kind kind_sigactions = {
	.name = "sigactions",
	.scope = SCOPE_TASK,
	.stage = STAGE_AFTER_THREADS,
	.ask = sigactions_ask,
	.capture = sigactions_capture,
	.emit = sigactions_emit,
};
