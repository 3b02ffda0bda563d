/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apart: what one task alone holds is made by that task, at its final number,
 * so that the shelf needs no more numbers than what is held in common.
 *
 * Objects that have more in common (the ends of a pipe, files of one memory
 * object) are made in one place: all of them by one task, or on the shelf.
 */
#include <stdlib.h>

#include "plan/plan.h"

/* The one that holds it, all under numbers of a table of its own. */
static struct plan_task *holder_alone(
	const struct plan *plan, const struct object *object)
{
	const struct task *task;

	if (!object->holders.n)
		return NULL;
	task = object->holders.at[0].task;
	for (size_t i = 0; i < object->holders.n; i++)
		if (object->holders.at[i].task != task ||
			object->holders.at[i].fd < 0)
			return NULL;
	return plan->tasks[task->index].table_shared
		       ? NULL
		       : &plan->tasks[task->index];
}

static bool may_be_apart(const struct plan *plan, struct object *object)
{
	return object->alone && !object->needs.n && !object->shelved &&
	       !object->given && holder_alone(plan, object);
}

static int together_order(const void *a, const void *b)
{
	const struct object *one = *(struct object *const *)a;
	const struct object *other = *(struct object *const *)b;

	if (one->kind->tag != other->kind->tag)
		return one->kind->tag < other->kind->tag ? -1 : 1;
	if (one->with != other->with)
		return one->with < other->with ? -1 : 1;
	return one->rank - other->rank;
}

static bool are_together(const struct object *a, const struct object *b)
{
	return a->kind == b->kind && a->with && a->with == b->with;
}

/* Of the kinds that may be apart, all that is asked for. */
static struct object **candidates_find(const struct plan *plan, size_t *ret_n)
{
	struct object **all =
		arena_newn(plan->arena, struct object *, plan->order.n + 1);
	struct object *object;
	size_t n = 0;

	for (size_t i = 0; i < plan->order.n; i++) {
		object = plan->order.at[i];
		for (size_t k = 0; k < object->needs.n; k++)
			object->needs.at[k]->shelved = true;
		for (size_t k = 0; k < object->links.n; k++)
			object->links.at[k]->shelved = true;
	}
	for (size_t i = 0; i < plan->order.n; i++) {
		object = plan->order.at[i];
		if (!object->alone)
			continue;
		object->apart = may_be_apart(plan, object);
		all[n++] = object;
	}
	if (n)
		qsort(all, n, sizeof(struct object *), together_order);
	*ret_n = n;
	return all;
}

/* Those from first on that are made in one place: apart if all may be so, in
 * one task. */
static size_t together_decide(
	const struct plan *plan, struct object **first, size_t n)
{
	const struct plan_task *task = holder_alone(plan, *first);
	bool apart = true;
	size_t end = 1;

	while (end < n && are_together(*first, first[end]))
		end++;
	for (size_t i = 0; i < end; i++)
		apart = apart && first[i]->apart &&
			holder_alone(plan, first[i]) == task;
	for (size_t i = 0; i < end; i++) {
		first[i]->apart = apart;
		first[i]->next_with = i + 1 < end ? first[i + 1] : NULL;
	}
	return end;
}

void plan_apart(struct plan *plan)
{
	struct object **all;
	size_t n;

	all = candidates_find(plan, &n);
	for (size_t i = 0; i < n;)
		i += together_decide(plan, all + i, n - i);
	for (size_t i = 0; i < n; i++)
		if (all[i]->apart)
			*vec_push(plan->arena,
				&holder_alone(plan, all[i])->makes) = all[i];
}
