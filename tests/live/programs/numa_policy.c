/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NUMA policies of threads and areas stay: get_mempolicy(2) tells the same. */
#include "checkpoint.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <sys/syscall.h>

enum { NODES = 1024, AREA = 4 * 65536 };

struct policy {
	int mode;
	unsigned long nodes[NODES / 8 / sizeof(long)];
};

static const unsigned long node_0 = 1;
static struct policy other;

static struct policy policy_of(void *at)
{
	struct policy ret;

	memset(&ret, 0, sizeof(ret));
	CHECK_SYS(syscall(SYS_get_mempolicy, &ret.mode, ret.nodes, NODES, at,
		at ? MPOL_F_ADDR : 0));
	return ret;
}

static void policy_verify(const struct policy *was, void *at, const char *what)
{
	struct policy is = policy_of(at);

	if (memcmp(&is, was, sizeof(is)))
		FAIL("%s: mode %#x, nodes %#lx; was %#x, %#lx", what, is.mode,
			is.nodes[0], was->mode, was->nodes[0]);
}

static void *thread_run(void *arg)
{
	(void)arg;
	CHECK_SYS(syscall(SYS_set_mempolicy, MPOL_PREFERRED, &node_0, 64));
	other = policy_of(NULL);
	CHECK_INT(other.mode, MPOL_PREFERRED);
	peer_up(0);
	checkpoint_wait_go();
	policy_verify(&other, NULL, "a thread");
	return NULL;
}

int main(void)
{
	struct policy own, bound, shared, usual;
	char *area, *object;
	pthread_t thread;

	if (syscall(SYS_get_mempolicy, NULL, NULL, 0, NULL, 0)) {
		CHECK_INT(errno, ENOSYS);
		checkpoint_skip("a kernel without NUMA policies");
	}
	area = mem_map(
		AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	object = mem_map(
		AREA, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	mem_fill(area, AREA, 3);
	CHECK_SYS(syscall(SYS_set_mempolicy,
		MPOL_INTERLEAVE | MPOL_F_STATIC_NODES, &node_0, 64));
	CHECK_SYS(syscall(SYS_mbind, area + AREA / 4, AREA / 2, MPOL_BIND,
		&node_0, 64, 0));
	CHECK_SYS(syscall(
		SYS_mbind, object, AREA, MPOL_PREFERRED, &node_0, 64, 0));
	own = policy_of(NULL);
	bound = policy_of(area + AREA / 4);
	shared = policy_of(object);
	usual = policy_of(area);
	CHECK_INT(bound.mode, MPOL_BIND);
	CHECK_INT(usual.mode, MPOL_DEFAULT);
	thread = thread_start(thread_run, NULL);
	peers_wait(1);
	checkpoint_here();
	mem_verify(area, AREA, 3, "bound memory");
	policy_verify(&own, NULL, "the main thread");
	policy_verify(&bound, area + AREA / 4, "the bound area");
	policy_verify(&bound, area + AREA * 3 / 4 - 1, "the area's end");
	policy_verify(&usual, area, "the area before");
	policy_verify(&usual, area + AREA * 3 / 4, "the area behind");
	policy_verify(&shared, object, "the shared area");
	thread_join(thread);
	checkpoint_ok();
}
