/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kcmp_tree: kernel objects of one type, each once, in the kernel's order.
 *
 * One of n objects is found with about log2(n) comparisons, in whatever order
 * they come (an AVL tree): each is a system call. Nodes are the caller's, who
 * embeds them first in what he knows of the object; the process of a node must
 * stay there.
 */
#ifndef STASIS_KERNEL_KCMP_TREE_H
#define STASIS_KERNEL_KCMP_TREE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct kcmp_node {
	struct kcmp_node *less, *more;
	unsigned height;
	pid_t pid;    /* one who has the object */
	uint64_t idx; /* as kcmp takes it: the fd of a KCMP_FILE, or 0 */
};

struct kcmp_tree {
	int type; /* KCMP_* */
	struct kcmp_node *root;
	uint64_t n;
};

/* node has pid and idx. If its object is there already, *ret is the node that
 * came first, and node is forgotten; else it is node, now in the tree. */
int kcmp_tree_place(struct kcmp_tree *tree, struct kcmp_node *node,
	struct kcmp_node **ret, struct err *err);

#endif
