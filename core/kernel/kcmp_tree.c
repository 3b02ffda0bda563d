/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/kcmp_tree.h"

#include <stdbool.h>

#include "kernel/kcmp.h"

/* splitmix64: the order of arrival says nothing about weights. */
static uint64_t weight_of(uint64_t n)
{
	n *= 0x9e3779b97f4a7c15ull;
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9ull;
	n = (n ^ n >> 27) * 0x94d049bb133111ebull;
	return n ^ n >> 31;
}

/* The child that *link's node has on a side comes into its place. */
static void lift(struct kcmp_node **link, bool more)
{
	struct kcmp_node *node = *link, *child = more ? node->more : node->less;

	if (more) {
		node->more = child->less;
		child->less = node;
	} else {
		node->less = child->more;
		child->more = node;
	}
	*link = child;
}

/* As deep as the tree, whose depth is about 2 log2(n). */
static int place(struct kcmp_tree *tree, struct kcmp_node **link,
	struct kcmp_node *node, struct kcmp_node **ret, struct err *err)
{
	struct kcmp_node *here = *link, **next;
	int order, code;

	if (!here) {
		node->less = node->more = NULL;
		node->weight = weight_of(++tree->n);
		*ret = *link = node;
		return 0;
	}
	code = kcmp_compare(node->pid, here->pid, tree->type, node->idx,
		here->idx, &order, err);
	if (code)
		return code;
	if (order == 0) {
		*ret = here;
		return 0;
	}
	next = order > 0 ? &here->more : &here->less;
	code = place(tree, next, node, ret, err);
	if (!code && (*next)->weight > here->weight)
		lift(link, order > 0);
	return code;
}

int kcmp_tree_place(struct kcmp_tree *tree, struct kcmp_node *node,
	struct kcmp_node **ret, struct err *err)
{
	return place(tree, &tree->root, node, ret, err);
}
