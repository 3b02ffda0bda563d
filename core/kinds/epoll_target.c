/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/epoll_target.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "kernel/kcmp.h"
#include "kernel/kcmp_tree.h"

/* One number of a victim. */
struct opened {
	struct kcmp_node node;
	const struct victim *victim;
	int fd;
	uint64_t ino;
};

typedef VEC(struct opened *) opened_vec;

static int table_list(struct dump *dump, const struct victim *victim,
	opened_vec *ret, struct err *err)
{
	struct opened *opened;
	struct stat stat;
	char name[32];
	size_t n;
	int *fds, code = 0;

	if (victim->state == TASK_DEAD)
		return 0;
	code = proc_list_fds(dump->arena, &victim->proc, &fds, &n, err);
	for (size_t i = 0; i < n && !code; i++) {
		snprintf(name, sizeof(name), "fd/%d", fds[i]);
		if (fstatat(victim->proc.dir, name, &stat, 0))
			continue;
		opened = arena_new1(dump->arena, struct opened);
		*opened = (struct opened){
			.victim = victim, .fd = fds[i], .ino = stat.st_ino};
		*vec_push(dump->arena, ret) = opened;
	}
	return code;
}

/* All numbers of all victims, once, and only when one was missed. */
static int all_list(struct dump *dump, opened_vec **ret, struct err *err)
{
	void **known = book_slot(
		dump->arena, &dump->book, "epoll targets", 0, UINT64_MAX);
	opened_vec *list = *known;
	int code = 0;

	if (!list) {
		list = arena_new1(dump->arena, opened_vec);
		for (size_t i = 0; i < dump->victims.n && !code; i++)
			code = table_list(dump, dump->victims.at[i], list, err);
		*known = list;
	}
	*ret = list;
	return code;
}

/* Those of an inode (anonymous ones share one), in one task or in all. */
static int inode_tree(struct dump *dump, const struct victim *in, uint64_t ino,
	struct kcmp_tree **ret, struct err *err)
{
	void **known = book_slot(dump->arena, &dump->book, "epoll targets", ino,
		in ? (uint64_t)in->pid : 0);
	struct kcmp_tree *tree = *known;
	struct kcmp_node *node, *there;
	opened_vec *list;
	int code = 0;

	*ret = tree;
	if (tree)
		return 0;
	code = all_list(dump, &list, err);
	tree = arena_new1(dump->arena, struct kcmp_tree);
	tree->type = KCMP_FILE;
	for (size_t i = 0; !code && i < list->n; i++) {
		if (list->at[i]->ino != ino ||
			(in && list->at[i]->victim != in))
			continue;
		/* In two trees: nodes of their own. */
		node = arena_copy(
			dump->arena, list->at[i], sizeof(struct opened));
		node->pid = list->at[i]->victim->pid;
		node->idx = (uint64_t)list->at[i]->fd;
		code = kcmp_tree_place(tree, node, &there, err);
	}
	*known = *ret = tree;
	return code;
}

/* Which of the targets that were added under the same number. */
static unsigned target_turn(const struct fdinfo *info, size_t target)
{
	unsigned turn = 0;

	for (size_t i = 0; i < target; i++)
		turn += info->epoll[i].fd == info->epoll[target].fd;
	return turn;
}

static int target_compare(const struct sighting *set, size_t target, pid_t pid,
	int fd, int *ret_order, struct err *err)
{
	return kcmp_compare_epoll(pid, fd, set->victim->pid, set->fd_number,
		set->info.epoll[target].fd, target_turn(&set->info, target),
		ret_order, err);
}

static int tree_search(struct dump *dump, const struct sighting *set,
	size_t target, const struct victim *in, const struct opened **ret,
	struct err *err)
{
	const struct kcmp_node *node;
	struct kcmp_tree *tree;
	int order, code;

	*ret = NULL;
	code = inode_tree(dump, in, set->info.epoll[target].ino, &tree, err);
	for (node = code ? NULL : tree->root; node && !code;
		node = order < 0 ? node->more : node->less) {
		code = target_compare(
			set, target, node->pid, (int)node->idx, &order, err);
		if (code || order)
			continue;
		*ret = (const struct opened *)node;
		return 0;
	}
	return code;
}

int epoll_target_find(struct dump *dump, const struct sighting *set,
	size_t target, const struct victim **ret_victim, int *ret_fd,
	struct err *err)
{
	int number = set->info.epoll[target].fd, order, code;
	const struct opened *found = NULL;
	struct err missed;

	*ret_victim = set->victim;
	*ret_fd = number;
	code = target_compare(
		set, target, set->victim->pid, number, &order, &missed);
	if (!code && order == 0)
		return 0;
	if (code && code != -EBADF) {
		*err = missed;
		return code;
	}
	code = tree_search(dump, set, target, set->victim, &found, err);
	if (!code && !found)
		code = tree_search(dump, set, target, NULL, &found, err);
	*ret_victim = found ? found->victim : NULL;
	*ret_fd = found ? found->fd : -1;
	return code;
}
