/* SPDX-License-Identifier: GPL-2.0-or-later */
/* print: a plan for people: births, files, moves of memory, tapes. */
#include <linux/sched.h>

#include "base/shown.h"
#include "plan/plan.h"

static int birth_depth(const struct birth *birth)
{
	int depth = 0;

	while ((birth = birth->maker))
		depth++;
	return depth;
}

static void birth_print(const struct birth *birth, FILE *out)
{
	const struct task *task = birth->task;

	shown_print(out, "  %*s", 2 * birth_depth(birth), "");
	if (birth->pid)
		shown_print(out, "%d", birth->pid);
	if (!task)
		shown_print(out, birth->pid ? " helper" : "leaves an orphan");
	else
		shown_print(out, " %s, %zu thread%s",
			task->threads[0].core->tc->comm, task->n_threads,
			task->n_threads == 1 ? "" : "s");
	if (task && task->state == TASK_DEAD)
		shown_print(out, ", zombie");
	if (task && task->state == TASK_STOPPED)
		shown_print(out, ", stopped");
	if (birth->early)
		shown_print(out, ", before its parent's setsid");
	if (birth->as_sibling)
		shown_print(out, ", as sibling of %d", birth->maker->pid);
	if (birth->adopts)
		shown_print(out, ", takes orphans");
	if (birth->leads_session)
		shown_print(out, ", setsid");
	if (birth->leads_group)
		shown_print(out, ", leads its group");
	if (birth->joins_group)
		shown_print(out, ", joins group %d", birth->joins_group);
	if (birth->shares & CLONE_FILES)
		shown_print(out, ", shares its fd table");
	if (birth->shares & CLONE_FS)
		shown_print(out, ", shares cwd and root");
	shown_print(out, "\n");
}

static void object_print(const struct object *object, FILE *out)
{
	int shown = 0;

	if (object->apart)
		shown_print(out, "  apart: file %u, %s", object->id,
			object->kind->name);
	else
		shown_print(out, "  %d: file %u, %s", object->slot, object->id,
			object->kind->name);
	for (size_t i = 0; i < object->holders.n; i++) {
		const struct holder *holder = &object->holders.at[i];

		if (holder->fd < 0)
			continue;
		shown_print(out, "%s %d:%d%s", shown++ ? "," : " for",
			holder->task->pid, holder->fd,
			holder->cloexec ? "x" : "");
	}
	shown_print(out, "\n");
}

static void stagings_print(const struct plan_task *pt, FILE *out)
{
	const VmaEntry *vma;

	for (size_t i = 0; i < pt->task->mm->n_vmas; i++) {
		if (!pt->staging[i])
			continue;
		vma = pt->task->mm->vmas[i];
		shown_print(out, "  task %d: %llx-%llx at %llx, %s\n",
			pt->task->pid, (unsigned long long)vma->start,
			(unsigned long long)vma->end,
			(unsigned long long)pt->staging[i]->at,
			pt->staging[i]->from ? "from its parent" : "filled");
	}
}

static void zone_print(const struct zone *zone, FILE *out)
{
	shown_print(out,
		"set aside %llx-%llx: agent %llx, vdso %llx, tapes %llx, "
		"inherited memory %llx\n",
		(unsigned long long)zone->start, (unsigned long long)zone->end,
		(unsigned long long)zone->code, (unsigned long long)zone->park,
		(unsigned long long)zone->reel,
		(unsigned long long)zone->stage);
}

void plan_print(const struct plan *plan, FILE *out)
{
	shown_print(out, "births\n");
	for (size_t i = 0; i < plan->births.n; i++)
		birth_print(plan->births.at[i], out);
	shown_print(out, "objects, by the fd number at which they are made\n");
	for (size_t i = 0; i < plan->order.n; i++)
		object_print(plan->order.at[i], out);
	for (size_t i = 0; i < plan->reopens.n; i++)
		shown_print(out, "  %d: file %u, opened again for writing\n",
			plan->reopens.at[i].slot,
			plan->reopens.at[i].object->id);
	shown_print(out, "memory that children inherit\n");
	for (size_t i = 0; i < plan->tree->tasks.n; i++)
		if (plan->tasks[i].staging)
			stagings_print(&plan->tasks[i], out);
	zone_print(&plan->zone, out);
	for (size_t i = 0; i < plan->tree->tasks.n; i++)
		for (size_t k = 0; plan->tasks[i].tapes &&
				   k < plan->tree->tasks.at[i]->n_threads;
			k++)
			tape_print(plan->tasks[i].tapes[k], out);
}
