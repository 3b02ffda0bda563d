/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/plan.h"

int plan_numbers(struct plan *plan, struct err *err)
{
	int code;

	plan->tasks =
		arena_newn(plan->arena, struct plan_task, plan->tree->tasks.n);
	for (size_t i = 0; i < plan->tree->tasks.n; i++)
		plan->tasks[i].task = plan->tree->tasks.at[i];
	code = plan_forest(plan, err);
	return code ?: plan_slots(plan, err);
}

int plan_make(struct plan *plan, struct err *err)
{
	int code = plan_numbers(plan, err);

	if (!code)
		code = plan_lazy(plan, err);
	if (!code)
		code = plan_layout(plan, err);
	return code ?: plan_tapes(plan, err);
}
