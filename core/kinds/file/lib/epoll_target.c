/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/file/lib/epoll_target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kernel/kcmp.h"
#include "kernel/kcmp_tree.h"

/* One number of a victim. */
struct opened {
	struct kcmp_node node;
	const struct victim *victim;
	int fd;
	struct opened *next; /* of the same inode */
};

/* One target of a set. */
struct target {
	const struct sighting *set;
	const struct fdinfo_epoll *info;
	unsigned turn; /* of those that were added under the same number */
};

static int table_list(struct dump *dump, const struct victim *victim,
	struct index *by_inode, struct err *err)
{
	struct opened *opened;
	void **first;
	struct stat stat;
	char name[32];
	size_t n;
	int *fds, code = 0;

	if (victim->state == TASK_DEAD)
		return 0;
	code = proc_list_fds(dump->arena, &victim->proc, &fds, &n, err);
	/* The first ones last: lists grow at their heads. */
	for (size_t i = n; !code && i-- > 0;) {
		snprintf(name, sizeof(name), "fd/%d", fds[i]);
		if (fstatat(victim->proc.dir, name, &stat, 0))
			continue;
		opened = arena_new1(dump->arena, struct opened);
		first = index_slot(dump->arena, by_inode, stat.st_ino);
		*opened = (struct opened){
			.victim = victim, .fd = fds[i], .next = *first};
		*first = opened;
	}
	return code;
}

/* All numbers of all victims, once, and only when one was missed. */
static int all_list(struct dump *dump, struct index **ret, struct err *err)
{
	void **known = book_slot(
		dump->arena, &dump->book, "epoll targets", 0, UINT64_MAX);
	struct index *by_inode = *known;
	int code = 0;

	if (!by_inode) {
		by_inode = arena_new1(dump->arena, struct index);
		for (size_t i = dump->victims.n; i-- > 0 && !code;)
			code = table_list(
				dump, dump->victims.at[i], by_inode, err);
		*known = by_inode;
	}
	*ret = by_inode;
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
	const struct opened *opened;
	struct index *by_inode;
	int code = 0;

	*ret = tree;
	if (tree)
		return 0;
	code = all_list(dump, &by_inode, err);
	tree = arena_new1(dump->arena, struct kcmp_tree);
	tree->type = KCMP_FILE;
	opened = code ? NULL : index_get(by_inode, ino);
	for (; opened && !code; opened = opened->next) {
		if (in && opened->victim != in)
			continue;
		/* In two trees: nodes of their own. */
		node = arena_copy(dump->arena, opened, sizeof(*opened));
		node->pid = opened->victim->pid;
		node->idx = (uint64_t)opened->fd;
		code = kcmp_tree_place(tree, node, &there, err);
	}
	*known = *ret = tree;
	return code;
}

static int target_compare(const struct target *target, pid_t pid, int fd,
	int *ret_order, struct err *err)
{
	return kcmp_compare_epoll(pid, fd, target->set->victim->pid,
		target->set->fd_number, target->info->fd, target->turn,
		ret_order, err);
}

/* A socket's inode is of one open file (and of handles with O_PATH, which one
 * cannot read), so that the same one is told without kcmp, which walks all of
 * the set. */
static bool target_is_socket(const struct target *target, int fd)
{
	int dir = target->set->victim->proc.dir;
	struct stat stat, link;
	char name[32];

	snprintf(name, sizeof(name), "fd/%d", fd);
	return target->info->ino && !fstatat(dir, name, &stat, 0) &&
	       S_ISSOCK(stat.st_mode) && stat.st_ino == target->info->ino &&
	       !fstatat(dir, name, &link, AT_SYMLINK_NOFOLLOW) &&
	       link.st_mode & S_IRUSR &&
	       stat.st_dev == makedev(target->info->sdev >> 20,
				      target->info->sdev & 0xfffff);
}

static int tree_search(struct dump *dump, const struct target *target,
	const struct victim *in, const struct opened **ret, struct err *err)
{
	const struct kcmp_node *node;
	struct kcmp_tree *tree;
	int order, code;

	*ret = NULL;
	code = inode_tree(dump, in, target->info->ino, &tree, err);
	for (node = code ? NULL : tree->root; node && !code;
		node = order < 0 ? node->more : node->less) {
		code = target_compare(
			target, node->pid, (int)node->idx, &order, err);
		if (code || order)
			continue;
		*ret = (const struct opened *)node;
		return 0;
	}
	return code;
}

int epoll_target_find(struct dump *dump, const struct sighting *set,
	size_t index, unsigned turn, const struct victim **ret_victim,
	int *ret_fd, struct err *err)
{
	const struct target target = {set, &set->info.epoll[index], turn};
	const struct opened *found = NULL;
	int number = target.info->fd, order, code;
	struct err missed;

	*ret_victim = set->victim;
	*ret_fd = number;
	if (target_is_socket(&target, number))
		return 0;
	code = target_compare(
		&target, set->victim->pid, number, &order, &missed);
	if (!code && order == 0)
		return 0;
	if (code && code != -EBADF) {
		*err = missed;
		return code;
	}
	code = tree_search(dump, &target, set->victim, &found, err);
	if (!code && !found)
		code = tree_search(dump, &target, NULL, &found, err);
	*ret_victim = found ? found->victim : NULL;
	*ret_fd = found ? found->fd : -1;
	return code;
}
