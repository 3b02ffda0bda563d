/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The robust list stays: a dead owner's lock is seen as such. */
#include "checkpoint.h"
#include <linux/futex.h>

struct shared {
	pthread_mutex_t mutex;
};

static struct shared *shared;
static volatile int thread_up, thread_go;

static void owner(int number)
{
	CHECK_INT(pthread_mutex_lock(&shared->mutex), 0);
	peer_up(number);
	checkpoint_wait_go();
	_exit(0);
}

static void *body(void *arg)
{
	struct robust_list_head *before, *after;
	size_t len;

	CHECK_SYS(syscall(SYS_get_robust_list, 0, &before, &len));
	thread_up = 1;
	while (!thread_go)
		checkpoint_nap();
	CHECK_SYS(syscall(SYS_get_robust_list, 0, &after, &len));
	CHECK(after == before);
	CHECK_INT(len, sizeof(struct robust_list_head));
	return arg;
}

int main(void)
{
	pthread_mutexattr_t attributes;
	pthread_t thread = thread_start(body, NULL);
	pid_t pid;

	shared = mem_map(
		4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	CHECK_INT(pthread_mutex_init(&shared->mutex, &attributes), 0);
	pid = child_start(owner, 0);
	peers_wait(1);
	while (!thread_up)
		checkpoint_nap();
	CHECK_INT(pthread_mutex_trylock(&shared->mutex), EBUSY);
	checkpoint_here();
	CHECK_INT(pthread_mutex_lock(&shared->mutex), EOWNERDEAD);
	child_join(pid);
	thread_go = 1;
	thread_join(thread);
	checkpoint_ok();
}
