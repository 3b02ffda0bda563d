/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree of kernel objects: each is found, and with few comparisons. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kernel/kcmp_tree.h"
#include "test.h"

enum { N = 300 };

static size_t depth_of(const struct kcmp_node *node)
{
	size_t less = node ? depth_of(node->less) : 0;
	size_t more = node ? depth_of(node->more) : 0;

	return node ? 1 + (less > more ? less : more) : 0;
}

static void nodes_fill(struct kcmp_node *nodes, const int *fds)
{
	for (int i = 0; i < N; i++)
		nodes[i] = (struct kcmp_node){
			.pid = getpid(), .idx = (uint64_t)fds[i]};
}

TEST(an_open_file_is_found_again_by_another_number_of_it)
{
	static struct kcmp_node nodes[N], twins[N];
	struct kcmp_tree tree = {.type = KCMP_FILE};
	struct kcmp_node *at = NULL;
	struct err err = {0};
	int fds[N], dups[N];

	for (int i = 0; i < N; i++) {
		fds[i] = eventfd(0, EFD_CLOEXEC);
		dups[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
	}
	nodes_fill(nodes, fds);
	nodes_fill(twins, dups);
	for (int i = 0; i < N; i++) {
		CHECK_INT(kcmp_tree_place(&tree, &nodes[i], &at, &err), 0);
		CHECK(at == &nodes[i]);
	}
	for (int i = 0; i < N; i++) {
		CHECK_INT(kcmp_tree_place(&tree, &twins[i], &at, &err), 0);
		CHECK(at == &nodes[i]);
	}
	CHECK_INT(tree.n, N);
	/* 9 were perfect; a balanced one has at most 1.44 log2(n). */
	CHECK(depth_of(tree.root) <= 12);
	for (int i = 0; i < N; i++) {
		close(fds[i]);
		close(dups[i]);
	}
}

TEST(a_number_that_is_closed_is_told_and_not_placed)
{
	struct kcmp_node one = {.pid = getpid(), .idx = 0}, gone = one;
	struct kcmp_tree tree = {.type = KCMP_FILE};
	struct kcmp_node *at = NULL;
	struct err err = {0};

	one.idx = (uint64_t)eventfd(0, EFD_CLOEXEC);
	gone.idx = 900;
	CHECK_INT(kcmp_tree_place(&tree, &one, &at, &err), 0);
	CHECK_INT(kcmp_tree_place(&tree, &gone, &at, &err), -EBADF);
	CHECK_INT(tree.n, 1);
	close((int)one.idx);
}
