/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * forest: who forks whom, so that every task gets its parent, session and
 * group.
 *
 * A session comes only from its leader or by birth, so a task is forked by
 * its parent before or after the parent's setsid, or, where the leader of
 * its session is somebody else, by that leader as its own sibling. Dead
 * leaders of sessions and groups are stood in for by helpers.
 */
#include <errno.h>
#include <signal.h>
#include <linux/sched.h>

#include "base/ending.h"
#include "plan/plan.h"

static struct birth *birth_add(
	struct plan *plan, pid_t pid, struct birth *maker)
{
	struct birth *birth = arena_new1(plan->arena, struct birth);

	birth->pid = pid;
	birth->index = plan->births.n;
	birth->maker = maker;
	birth->exit_signal = SIGCHLD;
	*vec_push(plan->arena, &plan->births) = birth;
	if (pid)
		*index_slot(plan->arena, &plan->births_by_pid, (uint64_t)pid) =
			birth;
	if (maker)
		*vec_push(plan->arena, &maker->makes) = birth;
	return birth;
}

static struct birth *birth_find(const struct plan *plan, pid_t pid)
{
	return index_get(&plan->births_by_pid, (uint64_t)pid);
}

static struct birth *birth_of(const struct plan *plan, const struct task *task)
{
	return task ? plan->tasks[task->index].birth : NULL;
}

static bool leads(const struct task *task)
{
	return task->sid == task->pid;
}

/* Does a leader make its siblings, members of its session? */
static bool sibling_leads(const struct plan *plan, const struct task *task)
{
	const struct task *leader = tree_find(plan->tree, task->sid);

	return leader && leader->parent == task->parent;
}

/* A task whose session is that of an ancestor, with leaders of other sessions
 * in between: each of these must be born into it, and fork the next before
 * its own setsid. Leaves all as it is where that cannot be. */
static void session_claim(struct plan *plan, const struct task *task)
{
	const struct task *over = task->parent;

	for (; over->sid != task->sid; over = over->parent)
		if (!leads(over) || !over->parent ||
			(plan->tasks[over->index].born_sid &&
				plan->tasks[over->index].born_sid != task->sid))
			return;
	for (over = task->parent; over->sid != task->sid; over = over->parent)
		plan->tasks[over->index].born_sid = task->sid;
}

static void sessions_claim(struct plan *plan)
{
	const struct task *task;

	for (size_t i = 1; i < plan->tree->tasks.n; i++) {
		task = plan->tree->tasks.at[i];
		if (!leads(task) && task->sid != task->parent->sid &&
			!sibling_leads(plan, task))
			session_claim(plan, task);
	}
}

/* Is it forked before its parent's setsid? */
static bool is_early(const struct plan *plan, const struct task *task)
{
	pid_t sid = leads(task) ? plan->tasks[task->index].born_sid : task->sid;

	return sid && sid != task->parent->sid &&
	       sid == plan->tasks[task->parent->index].born_sid;
}

static int root_add(struct plan *plan, struct err *err)
{
	struct task *root = plan->tree->root;
	struct birth *birth = birth_add(plan, root->pid, NULL);

	birth->task = root;
	plan->tasks[0].birth = birth;
	birth->leads_session = root->sid == root->pid;
	if (birth->leads_session || plan->shell_job)
		return 0;
	err_set(err, EINVAL,
		"task %d belongs to session %d, whose leader is not in the "
		"image",
		root->pid, root->sid);
	return err_hint(err,
		"use --shell-job to let it join the session of the restore");
}

/* The leader of a session that is no task: made as a child of parent. */
static struct birth *session_stand_in(
	struct plan *plan, struct birth *parent, pid_t sid)
{
	struct birth *helper = birth_find(plan, sid);

	if (helper)
		return helper->task || helper->maker != parent ? NULL : helper;
	helper = birth_add(plan, sid, parent);
	helper->leads_session = true;
	return helper;
}

static bool descends(const struct task *task, const struct task *from)
{
	while (task && task != from)
		task = task->parent;
	return task;
}

/* The leader of the task's session makes a helper, which makes the task and
 * ends: the orphan goes to its parent, who takes orphans meanwhile. */
static bool orphan_possible(const struct task *task, const struct task *leader)
{
	return leader->state != TASK_DEAD && task->state != TASK_DEAD &&
	       task->parent->state != TASK_DEAD &&
	       descends(leader, task->parent);
}

static struct birth *orphan_stand_in(
	struct plan *plan, struct birth *parent, struct birth *leader)
{
	parent->adopts = true;
	return birth_add(plan, 0, leader);
}

static int stranger_refuse(const struct task *task, struct err *err)
{
	err_set(err, EOPNOTSUPP,
		"task %d is in session %d, whose leader cannot make it a "
		"child of %d",
		task->pid, task->sid, task->ppid);
	return err_hint(err, "such a tree cannot be rebuilt yet");
}

/* Siblings have the signal of who made them. */
static int exit_signal_set(
	struct birth *birth, const struct task *task, struct err *err)
{
	const StasisTaskExtra *extra = task->extra;
	char own[SIGNAL_LABEL], makers[SIGNAL_LABEL];

	if (extra && extra->has_exit_signal)
		birth->exit_signal = (int)extra->exit_signal;
	if (!birth->as_sibling ||
		birth->exit_signal == birth->maker->exit_signal)
		return 0;
	err_set(err, EOPNOTSUPP,
		"task %d tells its parent of its end by %s, and task %d, which "
		"must make it, by %s",
		task->pid, signal_label(birth->exit_signal, own),
		birth->maker->pid,
		signal_label(birth->maker->exit_signal, makers));
	return err_hint(err, "such a tree cannot be rebuilt yet");
}

/* Nothing is added when the one who makes it is not there yet. */
static int task_add(struct plan *plan, struct task *task, struct err *err)
{
	struct birth *parent = birth_of(plan, task->parent), *maker, *birth;
	bool early = is_early(plan, task), sibling = false;
	struct task *leader;

	maker = parent;
	if (!early && !leads(task) && task->sid != task->parent->sid) {
		leader = tree_find(plan->tree, task->sid);
		sibling = true;
		if (!leader)
			maker = session_stand_in(plan, parent, task->sid);
		else if (leader->parent != task->parent &&
			 !orphan_possible(task, leader))
			maker = NULL;
		else if (!(maker = birth_of(plan, leader)))
			return 0;
		else if (leader->parent != task->parent) {
			maker = orphan_stand_in(plan, parent, maker);
			sibling = false;
		}
		if (!maker)
			return stranger_refuse(task, err);
	}
	birth = birth_add(plan, task->pid, maker);
	birth->task = task;
	birth->early = early;
	birth->as_sibling = sibling;
	birth->leads_session = leads(task);
	plan->tasks[task->index].birth = birth;
	return exit_signal_set(birth, task, err);
}

/* A leader must be there before the siblings that it makes. */
static int leaders_first(struct plan *plan, struct err *err)
{
	struct task *task;
	int code;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 1; i < plan->tree->tasks.n; i++) {
			task = plan->tree->tasks.at[i];
			if (leads(task) != (pass == 0) || plan->tasks[i].birth)
				continue;
			/* Its parent may be of the second pass. */
			if (!birth_of(plan, task->parent))
				continue;
			code = task_add(plan, task, err);
			if (code)
				return code;
		}
	}
	return 0;
}

/* An orphan must not be taken by one who is nearer than its parent. */
static int orphans_check(const struct plan *plan, struct err *err)
{
	const struct birth *birth;
	const struct task *over;

	for (size_t i = 1; i < plan->births.n; i++) {
		birth = plan->births.at[i];
		if (!birth->task || birth->maker->pid)
			continue;
		over = birth->maker->maker->task;
		for (; over != birth->task->parent; over = over->parent)
			if (birth_of(plan, over)->adopts)
				return stranger_refuse(birth->task, err);
	}
	return 0;
}

static bool all_added(const struct plan *plan)
{
	for (size_t i = 0; i < plan->tree->tasks.n; i++)
		if (!plan->tasks[i].birth)
			return false;
	return true;
}

static struct birth *group_stand_in(
	struct plan *plan, struct birth *member, pid_t pgid)
{
	struct birth *helper = birth_add(plan, pgid, member);

	helper->leads_group = true;
	return helper;
}

static void group_set(struct plan *plan, struct task *task)
{
	const struct task *root = plan->tree->root;
	struct birth *birth = birth_of(plan, task), *leader;

	if (birth->leads_session)
		return;
	if (task->pgid == task->pid) {
		birth->leads_group = true;
		return;
	}
	leader = birth_find(plan, task->pgid);
	/* A group from outside is the one that the root is born into. */
	if (!leader && root->sid != root->pid && task->pgid == root->pgid)
		return;
	if (!leader)
		leader = group_stand_in(plan, birth, task->pgid);
	/* One that led a group and is now in another: it leaves last. */
	if (!leader->leads_session)
		leader->leads_group = true;
	birth->joins_group = task->pgid;
}

/* Who lives makes stand-ins first: those of the dead would be orphans. */
static void groups_set(struct plan *plan)
{
	struct task *task;

	for (int dead = 0; dead < 2; dead++)
		for (size_t i = 0; i < plan->tree->tasks.n; i++) {
			task = plan->tree->tasks.at[i];
			if ((task->state == TASK_DEAD) == dead)
				group_set(plan, task);
		}
}

/* The first task that has each of them, by id. */
struct firsts {
	struct index files, fs, vm;
};

/* The first of them is the task itself: then it shares with nobody yet. */
static const struct task *first_of(
	struct plan *plan, struct index *firsts, uint32_t id, struct task *task)
{
	void **first = index_slot(plan->arena, firsts, id);

	*first = *first ?: task;
	return *first;
}

static int shares_set(struct plan *plan, struct firsts *firsts,
	struct task *task, struct err *err)
{
	struct birth *birth = birth_of(plan, task);
	const struct task *other;

	other = first_of(plan, &firsts->vm, task->ids->vm_id, task);
	if (other != task)
		return err_set(err, EOPNOTSUPP,
			"tasks %d and %d share an address space", other->pid,
			task->pid);
	if (first_of(plan, &firsts->files, task->ids->files_id, task) != task)
		birth->shares |= CLONE_FILES;
	if (first_of(plan, &firsts->fs, task->ids->fs_id, task) != task)
		birth->shares |= CLONE_FS;
	if (!birth->shares)
		return 0;
	other = task->parent;
	if (birth->maker != birth_of(plan, other) ||
		(birth->shares & CLONE_FILES &&
			other->ids->files_id != task->ids->files_id) ||
		(birth->shares & CLONE_FS &&
			other->ids->fs_id != task->ids->fs_id))
		return err_set(err, EOPNOTSUPP,
			"task %d shares its files with a task that is not its "
			"parent",
			task->pid);
	return 0;
}

/* Early births first, each sort in the order of the tree. */
static void makes_sort(struct plan *plan, struct birth *birth)
{
	struct birth **sorted =
		arena_newn(plan->arena, struct birth *, birth->makes.n + 1);
	size_t n = 0;

	for (int early = 1; early >= 0; early--)
		for (size_t i = 0; i < birth->makes.n; i++)
			if (birth->makes.at[i]->early == early)
				sorted[n++] = birth->makes.at[i];
	birth->makes.at = sorted;
}

int plan_forest(struct plan *plan, struct err *err)
{
	struct firsts firsts = {0};
	struct task *task;
	int code = root_add(plan, err);
	size_t known;

	sessions_claim(plan);
	while (!code && !all_added(plan)) {
		known = plan->births.n;
		code = leaders_first(plan, err);
		if (!code && plan->births.n == known)
			code = err_set(err, EOPNOTSUPP,
				"leaders of sessions wait for each other: "
				"such a tree cannot be rebuilt");
	}
	if (!code)
		code = orphans_check(plan, err);
	if (!code)
		groups_set(plan);
	for (size_t i = 0; i < plan->tree->tasks.n && !code; i++) {
		task = plan->tree->tasks.at[i];
		if (task->state == TASK_DEAD)
			continue;
		plan->tasks[i].birth->plan = &plan->tasks[i];
		code = shares_set(plan, &firsts, task, err);
	}
	for (size_t i = 0; i < plan->births.n && !code; i++)
		makes_sort(plan, plan->births.at[i]);
	return code;
}
