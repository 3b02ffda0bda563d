/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/tree.h"

#include <errno.h>

struct task *tree_add(struct arena *arena, struct tree *tree, pid_t pid)
{
	struct task *task = arena_new1(arena, struct task);

	task->pid = pid;
	task->index = tree->tasks.n;
	*vec_push(arena, &tree->tasks) = task;
	if (!tree->root)
		tree->root = task;
	*index_slot(arena, &tree->by_pid, (uint64_t)pid) = task;
	return task;
}

struct task *tree_find(const struct tree *tree, pid_t pid)
{
	return index_get(&tree->by_pid, (uint64_t)pid);
}

const FdinfoEntry *task_fd(const struct task *task, uint32_t fd)
{
	size_t low = 0, high = task->n_fds, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (task->fds[mid]->fd == fd)
			return task->fds[mid];
		if (task->fds[mid]->fd < fd)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

int tree_link(struct arena *arena, struct tree *tree, struct err *err)
{
	struct task *task, *parent;

	for (size_t i = 1; i < tree->tasks.n; i++) {
		task = tree->tasks.at[i];
		parent = tree_find(tree, task->ppid);
		if (!parent || parent->index >= i)
			return err_set(err, EINVAL,
				"task %d has parent %d, which is not %s",
				task->pid, task->ppid,
				parent ? "before it in the tree"
				       : "in the tree");
		task->parent = parent;
		*vec_push(arena, &parent->children) = task;
	}
	return 0;
}
