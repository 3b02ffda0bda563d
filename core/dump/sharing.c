/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/sharing.h"

#include <errno.h>

#include "dump/namespaces.h"
#include "kernel/kcmp.h"
#include "kernel/kcmp_tree.h"

/* The distinct objects of one type, numbered as they come. */
struct order {
	struct kcmp_tree tree;
	uint32_t next;
};

struct ordered {
	struct kcmp_node node;
	uint32_t id;
};

static int order_place(struct arena *arena, struct order *order, pid_t pid,
	uint32_t *ret_id, struct err *err)
{
	struct ordered *ordered = arena_new1(arena, struct ordered);
	struct kcmp_node *node;
	int code;

	ordered->node.pid = pid;
	code = kcmp_tree_place(&order->tree, &ordered->node, &node, err);
	if (code)
		return code;
	if (node == &ordered->node)
		ordered->id = order->next++;
	*ret_id = ((struct ordered *)node)->id;
	return 0;
}

struct orders {
	struct order vm, files, fs, sighand;
};

static int space_refuse(pid_t one, pid_t other, struct err *err)
{
	err_set(err, EOPNOTSUPP,
		"processes %d and %d share one address space (vfork or "
		"CLONE_VM): this cannot be dumped",
		one, other);
	return err_hint(err, "after vfork that ends as soon as the child has "
			     "called execve: dump then");
}

static int shared_vm_refuse(
	const struct dump *dump, const struct victim *victim, struct err *err)
{
	for (size_t i = 0; i < dump->victims.n; i++) {
		if (dump->victims.at[i]->task->ids &&
			dump->victims.at[i] != victim &&
			dump->victims.at[i]->task->ids->vm_id ==
				victim->task->ids->vm_id)
			return space_refuse(
				dump->victims.at[i]->pid, victim->pid, err);
	}
	return 0;
}

static int ids_find(struct dump *dump, struct victim *victim,
	struct orders *orders, struct err *err)
{
	TaskKobjIdsEntry *ids = arena_new1(dump->arena, TaskKobjIdsEntry);
	uint32_t known_vms = orders->vm.next;
	pid_t pid = victim->pid;
	int code;

	task_kobj_ids_entry__init(ids);
	victim->task->ids = ids;
	code = order_place(dump->arena, &orders->vm, pid, &ids->vm_id, err);
	if (!code)
		code = order_place(
			dump->arena, &orders->files, pid, &ids->files_id, err);
	if (!code)
		code = order_place(
			dump->arena, &orders->fs, pid, &ids->fs_id, err);
	if (!code)
		code = order_place(dump->arena, &orders->sighand, pid,
			&ids->sighand_id, err);
	if (!code && orders->vm.next == known_vms)
		code = shared_vm_refuse(dump, victim, err);
	namespaces_fill(dump, victim, ids);
	return code;
}

int sharing_find(struct dump *dump, struct err *err)
{
	struct orders orders = {
		.vm = {{.type = KCMP_VM}, SHARING_FIRST_ID},
		.files = {{.type = KCMP_FILES}, SHARING_FIRST_ID},
		.fs = {{.type = KCMP_FS}, SHARING_FIRST_ID},
		.sighand = {{.type = KCMP_SIGHAND}, SHARING_FIRST_ID},
	};
	struct victim *victim;
	int code;

	for (size_t i = 0; i < dump->victims.n; i++) {
		victim = dump->victims.at[i];
		if (victim->state == TASK_DEAD)
			continue;
		code = ids_find(dump, victim, &orders, err);
		if (code)
			return code;
	}
	return 0;
}
