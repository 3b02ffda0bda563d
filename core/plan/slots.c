/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * slots: fd numbers. The shelf is a row of numbers that no task uses, where
 * the coordinator keeps each object that is not made by its only holder;
 * newborns inherit it and dup theirs from there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/mman.h>

#include "kinds/kinds.h"
#include "model/vma.h"
#include "plan/plan.h"

enum { RANK_UNDER_WAY = -2, DEPTH_MAX = 64 };

static int object_missing(
	const struct task *task, const char *what, uint32_t id, struct err *err)
{
	return err_set(err, EBADMSG,
		"task %d: %s is file %u, which files.img does not have",
		task->pid, what, id);
}

static int hold(struct plan *plan, struct task *task, uint32_t id, int fd,
	bool cloexec, const char *what, struct err *err)
{
	struct object *object = objects_find(plan->objects, id);

	if (!object)
		return object_missing(task, what, id, err);
	*vec_push(plan->arena, &object->holders) = (struct holder){
		.plan = plan,
		.facts = plan->facts,
		.objects = plan->objects,
		.tree = plan->tree,
		.task = task,
		.thread = &task->threads[0],
		.fd = fd,
		.what = fd < 0 ? what : NULL,
		.cloexec = cloexec,
	};
	return 0;
}

static int fds_hold(struct plan *plan, struct plan_task *pt, struct err *err)
{
	struct task *task = pt->task;
	FdinfoEntry *entry;
	char what[32];
	int code;

	for (size_t i = 0; i < task->n_fds; i++) {
		entry = task->fds[i];
		if (entry->fd > INT32_MAX / 2)
			return err_set(err, EBADMSG, "task %d: fd %u",
				task->pid, entry->fd);
		snprintf(what, sizeof(what), "fd %u", entry->fd);
		code = hold(plan, task, entry->id, (int)entry->fd,
			entry->flags & 1, what, err);
		if (code)
			return code;
		plan->numbers.at[plan->numbers.n++] = (int)entry->fd;
		if ((int)entry->fd >= plan->fds_end)
			plan->fds_end = (int)entry->fd + 1;
	}
	return 0;
}

static bool vma_is_file(const VmaEntry *vma)
{
	return vma->status & (VMA_FILE_PRIVATE | VMA_FILE_SHARED) &&
	       !(vma->status & VMA_GUARD);
}

static int task_hold(struct plan *plan, struct plan_task *pt, struct err *err)
{
	struct task *task = pt->task;
	int code = 0;

	pt->installs_files = !(pt->birth->shares & CLONE_FILES);
	pt->installs_fs = !(pt->birth->shares & CLONE_FS);
	if (pt->installs_files)
		code = fds_hold(plan, pt, err);
	if (!code)
		code = hold(plan, task, task->fs->cwd_id, -1, false,
			"the working directory", err);
	if (!code)
		code = hold(plan, task, task->fs->root_id, -1, false,
			"the root directory", err);
	if (!code)
		code = hold(plan, task, task->mm->exe_file_id, -1, false,
			"the executable", err);
	for (size_t i = 0; i < task->mm->n_vmas && !code; i++)
		if (vma_is_file(task->mm->vmas[i]))
			code = hold(plan, task,
				(uint32_t)task->mm->vmas[i]->shmid, -1, false,
				"a mapped file", err);
	return code;
}

/* What an object needs is made before it. */
static int object_order(
	struct plan *plan, struct object *object, int depth, struct err *err)
{
	const struct plan_view view = {
		.arena = plan->arena,
		.objects = plan->objects,
		.tree = plan->tree,
	};
	char name[OBJECT_NAME];
	int code;

	if (object->rank >= 0 || !(object->holders.n || object->wanted))
		return 0;
	if (object->rank == RANK_UNDER_WAY || depth > DEPTH_MAX)
		return err_set(err, EBADMSG, "%s needs %s",
			object_name(object, name),
			depth > DEPTH_MAX ? "too many others"
					  : "itself in a circle");
	object->rank = RANK_UNDER_WAY;
	code = kinds_plan(&view, object, err);
	for (size_t i = 0; i < object->needs.n && !code; i++)
		code = object_order(plan, object->needs.at[i], depth + 1, err);
	if (code)
		return err_wrap(err, "%s", object_name(object, name));
	object->rank = (int)plan->order.n;
	*vec_push(plan->arena, &plan->order) = object;
	return 0;
}

/* What is named by others is made, too, also if no task has it. */
static int links_order(struct plan *plan, struct err *err)
{
	struct object *object;
	int code = 0;

	for (size_t i = 0; i < plan->order.n && !code; i++) {
		object = plan->order.at[i];
		for (size_t k = 0; k < object->links.n && !code; k++) {
			object->links.at[k]->wanted = true;
			code = object_order(plan, object->links.at[k], 0, err);
		}
	}
	return code;
}

int plan_slot(const struct plan *plan, uint32_t id, bool write)
{
	const struct object *object = objects_find(plan->objects, id);

	if (!object)
		return -1;
	return write && object->write_slot >= 0 ? object->write_slot
						: object->slot;
}

static bool vma_writes(const VmaEntry *vma)
{
	return vma->status & VMA_FILE_SHARED && (vma->fdflags & O_ACCMODE);
}

static void reopens_add(struct plan *plan, const struct task *task)
{
	struct object *object;
	const VmaEntry *vma;

	for (size_t i = 0; i < task->mm->n_vmas; i++) {
		vma = task->mm->vmas[i];
		if (!vma_is_file(vma) || !vma_writes(vma))
			continue;
		object = objects_find(plan->objects, (uint32_t)vma->shmid);
		if (!object || object->write_slot >= 0)
			continue;
		object->write_slot = 0;
		*vec_push(plan->arena, &plan->reopens) =
			(struct plan_reopen){object, -1};
	}
}

/* An object emits in every task that has it under a number; in the first of
 * them what is done once. */
static void emits_add(struct plan *plan, struct object *object)
{
	bool first = true;
	struct holder *holder;

	for (size_t i = 0; i < object->holders.n; i++) {
		holder = &object->holders.at[i];
		if (holder->fd < 0)
			continue;
		holder->first = first;
		first = false;
		*vec_push(
			plan->arena, &plan->tasks[holder->task->index].emits) =
			(struct plan_emit){object, holder};
	}
}

static void task_slots(struct plan *plan, struct plan_task *pt)
{
	const struct task *task = pt->task;
	FdinfoEntry *entry;

	for (size_t i = 0; pt->installs_files && i < task->n_fds; i++) {
		entry = task->fds[i];
		*vec_push(plan->arena, &pt->fds) = (struct plan_fd){
			.fd = (int)entry->fd,
			.slot = plan_slot(plan, entry->id, false),
			.cloexec = entry->flags & 1,
		};
	}
	pt->cwd_slot = plan_slot(plan, task->fs->cwd_id, false);
	pt->root_slot = plan_slot(plan, task->fs->root_id, false);
	pt->exe_slot = plan_slot(plan, task->mm->exe_file_id, false);
}

static int pages_files(const struct plan_task *pt)
{
	return pt->task->pages.n_files ? (int)pt->task->pages.n_files : 1;
}

/* Each task opens its own pages under the same numbers, one for each file of
 * theirs; tasks that share an fd table need their own. */
static void pages_slots(struct plan *plan)
{
	int common = plan->shelf_end, most = 1;
	struct plan_task *pt;

	for (size_t i = 0; i < plan->tree->tasks.n; i++) {
		pt = &plan->tasks[i];
		if (pt->task->state != TASK_DEAD && pt->installs_files &&
			pages_files(pt) > most)
			most = pages_files(pt);
	}
	plan->shelf_end += most + plan->lazy;

	for (size_t i = 0; i < plan->tree->tasks.n; i++) {
		pt = &plan->tasks[i];
		if (pt->task->state == TASK_DEAD)
			continue;
		pt->pages_slot = common;
		pt->uffd_slot = common + most;
		if (pt->installs_files)
			continue;
		pt->pages_slot = plan->shelf_end;
		pt->uffd_slot = pt->pages_slot + pages_files(pt);
		plan->shelf_end = pt->uffd_slot + plan->lazy;
	}
}

static void tables_look(struct plan *plan)
{
	size_t room = 0;
	struct plan_task *pt;

	for (size_t i = 0; i < plan->tree->tasks.n; i++) {
		pt = &plan->tasks[i];
		if (pt->task->state == TASK_DEAD)
			continue;
		room += pt->task->n_fds;
		if (!(pt->birth->shares & CLONE_FILES))
			continue;
		pt->table_shared = true;
		plan->tasks[pt->task->parent->index].table_shared = true;
	}
	plan->numbers.at = arena_newn(plan->arena, int, room + 1);
}

/* Everything on the shelf, one number after the other. */
static void shelf_fill(struct plan *plan)
{
	struct object *object;

	plan->shelf_end = plan->shelf_base;
	for (size_t i = 0; i < plan->order.n; i++) {
		object = plan->order.at[i];
		if (!object->apart)
			object->slot = plan->shelf_end++;
	}
	for (size_t i = 0; i < plan->reopens.n; i++) {
		object = plan->reopens.at[i].object;
		object->write_slot = plan->reopens.at[i].slot =
			plan->shelf_end++;
	}
	plan->facts->proc_fd = plan->proc_slot = plan->shelf_end++;
	plan->root_slot = plan->shelf_end++;
	plan->images_slot = plan->shelf_end++;
	plan->keep_slot = plan->shelf_end;
	plan->shelf_end += PLAN_KEEP;
	pages_slots(plan);
}

int plan_slots(struct plan *plan, struct err *err)
{
	struct numbers own = plan->host->fds;
	struct task *task;
	int code = 0;

	tables_look(plan);
	for (size_t i = 0; i < plan->tree->tasks.n && !code; i++)
		if (plan->tree->tasks.at[i]->state != TASK_DEAD)
			code = task_hold(plan, &plan->tasks[i], err);
	for (size_t i = 0; i < plan->objects->list.n && !code; i++)
		code = object_order(plan, plan->objects->list.at[i], 0, err);
	code = code ?: links_order(plan, err);
	if (code)
		return code;
	plan_apart(plan);
	for (size_t i = 0; i < plan->order.n; i++)
		emits_add(plan, plan->order.at[i]);
	for (size_t i = 0; i < plan->tree->tasks.n; i++)
		if (plan->tree->tasks.at[i]->state != TASK_DEAD)
			reopens_add(plan, plan->tree->tasks.at[i]);
	shelf_fill(plan); /* how many there are */
	plan->shelf_base = numbers_place(plan->arena, &plan->numbers, &own,
		plan->shelf_end - plan->shelf_base);
	shelf_fill(plan);
	for (size_t i = 0; i < plan->tree->tasks.n; i++) {
		task = plan->tree->tasks.at[i];
		if (task->state != TASK_DEAD)
			task_slots(plan, &plan->tasks[i]);
	}
	return 0;
}
