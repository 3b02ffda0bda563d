/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/tree.h"

#include <errno.h>

struct task *tree_add(struct arena *arena, struct tree *tree)
{
	struct task *task = arena_new1(arena, struct task);

	task->index = tree->tasks.n;
	*vec_push(arena, &tree->tasks) = task;
	if (!tree->root)
		tree->root = task;
	return task;
}

struct task *tree_find(const struct tree *tree, pid_t pid)
{
	for (size_t i = 0; i < tree->tasks.n; i++)
		if (tree->tasks.at[i]->pid == pid)
			return tree->tasks.at[i];
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
