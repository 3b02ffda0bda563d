/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/kcmp_tree.h"

#include <stdbool.h>

#include "kernel/kcmp.h"

static unsigned height_of(const struct kcmp_node *node)
{
	return node ? node->height : 0;
}

static void height_set(struct kcmp_node *node)
{
	unsigned less = height_of(node->less), more = height_of(node->more);

	node->height = 1 + (less > more ? less : more);
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
	height_set(node);
	height_set(child);
	*link = child;
}

/* The sides of *link's node, one of which has got a node more. */
static void balance(struct kcmp_node **link)
{
	struct kcmp_node *node = *link;
	unsigned less = height_of(node->less), more = height_of(node->more);

	if (less > more + 1) {
		if (height_of(node->less->more) > height_of(node->less->less))
			lift(&node->less, true);
		lift(link, false);
	} else if (more > less + 1) {
		if (height_of(node->more->less) > height_of(node->more->more))
			lift(&node->more, false);
		lift(link, true);
	} else {
		height_set(node);
	}
}

/* As deep as the tree. */
static int place(struct kcmp_tree *tree, struct kcmp_node **link,
	struct kcmp_node *node, struct kcmp_node **ret, struct err *err)
{
	struct kcmp_node *here = *link, **next;
	int order, code;

	if (!here) {
		node->less = node->more = NULL;
		node->height = 1;
		tree->n++;
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
	if (!code)
		balance(link);
	return code;
}

int kcmp_tree_place(struct kcmp_tree *tree, struct kcmp_node *node,
	struct kcmp_node **ret, struct err *err)
{
	return place(tree, &tree->root, node, ret, err);
}
