/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who forks whom: trees with a history (forks, new sessions and groups,
 * orphans, deaths) are planned, the births are gone through as newborns
 * would, by the kernel's rules, and each must end as it was in the image.
 */
#include <errno.h>
#include <linux/sched.h>
#include <stdio.h>

#include "scene.h"

enum { LIVES_MAX = 64, ROOT = 1000 };

struct life {
	pid_t pid, ppid, pgid, sid;
	enum { ALIVE, ZOMBIE, GONE } state;
	bool reaps;
};

struct village {
	struct life at[2 * LIVES_MAX]; /* with helpers */
	size_t n;
};

static struct life *life_find(struct village *v, pid_t pid)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->at[i].pid == pid && v->at[i].state != GONE)
			return &v->at[i];
	return NULL;
}

static bool group_exists(struct village *v, pid_t pgid, pid_t sid)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->at[i].state != GONE && v->at[i].pgid == pgid &&
			(!sid || v->at[i].sid == sid))
			return true;
	return false;
}

static struct life *life_fork(struct village *v, struct life *maker, pid_t pid)
{
	struct life *child = &v->at[v->n++];

	*child = *maker;
	child->pid = pid;
	child->ppid = maker->pid;
	child->reaps = false;
	return child;
}

/* As the kernel: no leader of a group may lead a new session. */
static bool life_setsid(struct village *v, struct life *life)
{
	if (life->pid == life->pgid || group_exists(v, life->pid, 0))
		return false;
	life->sid = life->pgid = life->pid;
	return true;
}

static bool life_setpgid(struct village *v, struct life *life, pid_t pgid)
{
	if (life->sid == life->pid)
		return false;
	if (pgid != life->pid && !group_exists(v, pgid, life->sid))
		return false;
	life->pgid = pgid;
	return true;
}

/* Children go to the nearest ancestor that takes orphans. */
static void life_end(struct village *v, struct life *life)
{
	struct life *heir = life;

	do
		heir = life_find(v, heir->ppid);
	while (heir && !(heir->reaps && heir->state == ALIVE));
	life->state = ZOMBIE;
	for (size_t i = 0; i < v->n; i++)
		if (v->at[i].ppid == life->pid)
			v->at[i].ppid = heir ? heir->pid : 1;
}

static struct life *life_any(struct village *v, uint64_t *seed)
{
	struct life *life = &v->at[scene_random(seed) % v->n];

	return life->state == ALIVE ? life : &v->at[0];
}

static void village_step(struct village *v, uint64_t *seed)
{
	struct life *life = life_any(v, seed), *other = life_any(v, seed);
	uint64_t what = scene_random(seed) % 100;

	if (what < 50 && v->n < LIVES_MAX)
		life_fork(v, life, ROOT + (pid_t)v->n);
	else if (what < 65)
		life_setsid(v, life);
	else if (what < 75)
		life_setpgid(v, life, life->pid);
	else if (what < 85)
		life_setpgid(v, life, other->pgid);
	else if (what < 94 && life != &v->at[0])
		life_end(v, life);
	else if (what >= 94)
		for (size_t i = 0; i < v->n; i++)
			if (v->at[i].state == ZOMBIE)
				v->at[i].state = GONE;
}

static struct village village_make(uint64_t *seed, size_t steps)
{
	struct village v = {.at = {{ROOT, 1, ROOT, ROOT, ALIVE, true}}, .n = 1};

	while (steps--)
		village_step(&v, seed);
	return v;
}

/* --- into the image's form, and planned ---------------------------------- */

static void lives_add(struct scene *s, struct village *v, const struct life *at)
{
	struct task *task = scene_task(s, at->pid, at->ppid, at->pgid, at->sid);

	if (at->state == ZOMBIE)
		task->state = TASK_DEAD;
	for (size_t i = 0; i < v->n; i++)
		if (v->at[i].ppid == at->pid && v->at[i].state != GONE)
			lives_add(s, v, &v->at[i]);
}

static int village_plan(struct scene *s, struct village *v)
{
	scene_start(s, backends[0]);
	lives_add(s, v, &v->at[0]);
	scene_plan_begin(s);
	return plan_forest(&s->plan, &s->err);
}

/* --- played ----------------------------------------------------------------
 */

/* What each newborn does, in the order of the skeleton. */
static bool birth_live(struct village *v, const struct birth *birth, size_t at)
{
	bool fine = true;
	size_t child;

	v->at[at].reaps = birth->adopts;

	for (int early = 1; early >= 0; early--) {
		if (!early && birth->leads_session)
			fine = life_setsid(v, &v->at[at]) && fine;
		if (!early && birth->leads_group)
			fine = life_setpgid(v, &v->at[at], birth->pid) && fine;
		for (size_t i = 0; i < birth->makes.n && fine; i++) {
			if (birth->makes.at[i]->early != early)
				continue;
			child = v->n;
			life_fork(v, &v->at[at], birth->makes.at[i]->pid);
			if (birth->makes.at[i]->as_sibling)
				v->at[child].ppid = v->at[at].ppid;
			fine = birth_live(v, birth->makes.at[i], child);
		}
	}
	return fine;
}

static struct village plan_play(const struct plan *plan, bool *ret_fine)
{
	struct village v = {
		.at = {{plan->births.at[0]->pid, 1, 77, 77}}, .n = 1};
	const struct birth *birth;

	*ret_fine = birth_live(&v, plan->births.at[0], 0);
	for (size_t i = 0; i < 2 * plan->births.n && *ret_fine; i++) {
		birth = plan->births.at[i % plan->births.n];
		if (birth->joins_group &&
			birth->leads_group == (i >= plan->births.n))
			*ret_fine = life_setpgid(&v, life_find(&v, birth->pid),
				birth->joins_group);
	}
	for (size_t i = 0; i < plan->births.n && *ret_fine; i++)
		if (!plan->births.at[i]->task)
			life_end(&v, life_find(&v, plan->births.at[i]->pid));
	return v;
}

static bool task_same(const struct task *task, const struct life *life)
{
	return life && (!task->parent || life->ppid == task->ppid) &&
	       life->pgid == task->pgid && life->sid == task->sid;
}

static void plan_check(const struct scene *s, uint64_t seed)
{
	const struct task *task;
	struct village v;
	bool fine;

	for (size_t i = 0; i < s->plan.births.n; i++)
		if (!s->plan.births.at[i]->pid)
			s->plan.births.at[i]->pid = 2 * ROOT + (pid_t)i;
	v = plan_play(&s->plan, &fine);

	if (!CHECK(fine))
		CHECK_INT(seed, 0);
	for (size_t i = 0; i < s->tree.tasks.n; i++) {
		task = s->tree.tasks.at[i];
		if (CHECK(task_same(task, life_find(&v, task->pid))))
			continue;
		CHECK_INT(task->pid, 0);
		CHECK_INT(seed, 0);
		return;
	}
}

TEST(every_task_ends_with_its_parent_session_and_group)
{
	enum { TREES = 3000 };
	size_t refused = 0;
	struct village v;
	struct scene s;

	for (uint64_t seed = 1; seed <= TREES; seed++) {
		uint64_t dice = seed * 7919;

		v = village_make(&dice, 5 + seed % 60);
		if (village_plan(&s, &v) == 0)
			plan_check(&s, seed);
		else
			refused++;
		CHECK(!s.err.code || strstr(s.err.text, "is in session"));
		scene_end(&s);
	}
	printf("# %zu of %d trees refused\n", refused, TREES);
	CHECK(refused * 10 < TREES);
}

TEST(a_tree_without_beginning_is_refused)
{
	struct scene s;

	scene_start(&s, backends[0]);
	scene_task(&s, 10, 1, 10, 10);
	scene_task(&s, 11, 12, 10, 10);
	scene_task(&s, 12, 11, 10, 10);
	CHECK_INT(tree_link(s.arena, &s.tree, &s.err), -EINVAL);
	CHECK_STR(s.err.text,
		"task 11 has parent 12, which is not before it in the tree");
	scene_end(&s);
}

TEST(a_session_from_outside_is_joined_only_when_asked_for)
{
	struct scene s;

	for (int job = 0; job < 2; job++) {
		scene_start(&s, backends[0]);
		scene_task(&s, 10, 1, 10, 5);
		scene_task(&s, 11, 10, 10, 5);
		scene_plan_begin(&s);
		s.plan.shell_job = job;
		CHECK_INT(plan_forest(&s.plan, &s.err), job ? 0 : -EINVAL);
		if (job) {
			CHECK(s.plan.births.at[0]->leads_group);
			CHECK_INT(s.plan.births.at[1]->joins_group, 10);
		} else {
			CHECK_STR(s.err.text, "task 10 belongs to session 5, "
					      "whose leader is not in the "
					      "image");
			CHECK(strstr(s.err.hint, "--shell-job"));
		}
		scene_end(&s);
	}
}

TEST(memory_of_two_tasks_at_once_is_refused)
{
	struct scene s;

	scene_start(&s, backends[0]);
	scene_task(&s, 10, 1, 10, 10);
	scene_task(&s, 11, 10, 10, 10)->ids->vm_id = 10;
	scene_plan_begin(&s);
	CHECK_INT(plan_forest(&s.plan, &s.err), -EOPNOTSUPP);
	CHECK_STR(s.err.text, "tasks 10 and 11 share an address space");
	scene_end(&s);
}

TEST(files_shared_past_a_parent_are_refused)
{
	struct scene s;

	scene_start(&s, backends[0]);
	scene_task(&s, 10, 1, 10, 10);
	scene_task(&s, 11, 10, 10, 10);
	scene_task(&s, 12, 10, 10, 10)->ids->files_id = 11;
	scene_plan_begin(&s);
	CHECK_INT(plan_forest(&s.plan, &s.err), -EOPNOTSUPP);
	CHECK_STR(s.err.text, "task 12 shares its files with a task that is "
			      "not its parent");
	scene_end(&s);
}
