/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/sharing.h"

#include <errno.h>

#include "dump/namespaces.h"
#include "kernel/kcmp.h"

/* One representative of each distinct object, in kcmp's order. */
struct order {
	int type;
	VEC(struct {
		pid_t pid;
		uint32_t id;
	})
	known;
	uint32_t next;
};

/* Its id; known ones are found by bisection, a new one is put in place. */
static int order_place(struct arena *arena, struct order *order, pid_t pid,
	uint32_t *ret_id, struct err *err)
{
	size_t low = 0, high = order->known.n, mid;
	int code, way;

	while (low < high) {
		mid = (low + high) / 2;
		code = kcmp_compare(pid, order->known.at[mid].pid, order->type,
			0, 0, &way, err);
		if (code)
			return code;
		if (way == 0) {
			*ret_id = order->known.at[mid].id;
			return 0;
		}
		if (way < 0)
			high = mid;
		else
			low = mid + 1;
	}
	(void)vec_push(arena, &order->known);
	for (size_t i = order->known.n - 1; i > low; i--)
		order->known.at[i] = order->known.at[i - 1];
	order->known.at[low].pid = pid;
	order->known.at[low].id = *ret_id = order->next++;
	return 0;
}

struct orders {
	struct order vm, files, fs, sighand;
};

static int shared_vm_refuse(
	const struct dump *dump, const struct victim *victim, struct err *err)
{
	for (size_t i = 0; i < dump->victims.n; i++) {
		if (dump->victims.at[i]->task->ids &&
			dump->victims.at[i] != victim &&
			dump->victims.at[i]->task->ids->vm_id ==
				victim->task->ids->vm_id)
			return err_set(err, EOPNOTSUPP,
				"processes %d and %d share one address space "
				"(vfork or CLONE_VM): this cannot be dumped",
				dump->victims.at[i]->pid, victim->pid);
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
		.vm = {.type = KCMP_VM, .next = SHARING_FIRST_ID},
		.files = {.type = KCMP_FILES, .next = SHARING_FIRST_ID},
		.fs = {.type = KCMP_FS, .next = SHARING_FIRST_ID},
		.sighand = {.type = KCMP_SIGHAND, .next = SHARING_FIRST_ID},
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
