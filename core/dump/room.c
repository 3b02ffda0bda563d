/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/room.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/resource.h>

#include "kernel/caps.h"
#include "plan/plan.h"

/* Numbers that an engine has in use when it restores. */
enum { OWN_LIKELY = 16 };

static void shelve(struct dump *dump, uint32_t id)
{
	struct object *object = objects_find(&dump->objects, id);

	if (object)
		object->shelved = true;
}

/* As the restore will read them. */
static void objects_index(struct dump *dump)
{
	struct objects *objects = &dump->objects;
	struct object *object;

	for (size_t i = 0; i < objects->list.n; i++)
		if (objects->list.at[i]->id > objects->max_id)
			objects->max_id = objects->list.at[i]->id;
	objects->by_id =
		arena_newn(dump->arena, struct object *, objects->max_id + 1);
	for (size_t i = 0; i < objects->list.n; i++) {
		object = objects->list.at[i];
		objects->by_id[object->id] = object;
	}
	for (size_t i = 0; i < dump->deleted.n; i++)
		shelve(dump, dump->deleted.at[i]);
	for (size_t i = 0; i < dump->outside.n; i++)
		shelve(dump, dump->outside.at[i]);
}

static int numbers_check(
	const struct dump *dump, const struct plan *plan, struct err *err)
{
	int wanted = plan->shelf_end > plan->fds_end ? plan->shelf_end
						     : plan->fds_end;
	const struct task *most = dump->tree.root;
	struct rlimit limit;

	if (caps_have(CAP_SYS_RESOURCE) || getrlimit(RLIMIT_NOFILE, &limit) ||
		(rlim_t)wanted <= limit.rlim_max)
		return 0;
	for (size_t i = 0; i < dump->tree.tasks.n; i++)
		if (dump->tree.tasks.at[i]->n_fds > most->n_fds)
			most = dump->tree.tasks.at[i];
	err_set(err, EMFILE,
		"the restore would need fd numbers up to %d, and the limit of "
		"open files is %llu (process %d has %zu open files)",
		wanted - 1, (unsigned long long)limit.rlim_max, most->pid,
		most->n_fds);
	return err_hint(
		err, "raise it, here and at restore: ulimit -Hn %d", wanted);
}

int room_check(struct dump *dump, struct err *err)
{
	int own[OWN_LIKELY];
	const struct host host = {.fds = {own, OWN_LIKELY}};
	struct facts facts = {0};
	struct plan plan = {.arena = dump->arena,
		.host = &host,
		.facts = &facts,
		.tree = &dump->tree,
		.objects = &dump->objects,
		.shell_job = dump->run->opt->shell_job};
	int code;

	for (int i = 0; i < OWN_LIKELY; i++)
		own[i] = i;
	objects_index(dump);
	code = plan_numbers(&plan, err);
	return code ?: numbers_check(dump, &plan, err);
}
