/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nice value, scheduling class and wished slice stay, per thread. */
#include "checkpoint.h"
#include <sys/resource.h>

static volatile int thread_up, thread_go;

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/* 0: this kernel (before 6.12) tells none. */
static uint64_t slice(void)
{
	struct attr attr = {.size = sizeof(attr)};

	CHECK_SYS(syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0));
	return attr.runtime;
}

static void slice_wish(uint64_t runtime)
{
	struct attr attr = {
		.size = sizeof(attr), .nice = 5, .runtime = runtime};

	CHECK_SYS(syscall(SYS_sched_setattr, 0, &attr, 0));
}

static void *batch(void *arg)
{
	struct sched_param param = {0};

	CHECK_SYS(sched_setscheduler(0, SCHED_BATCH, &param));
	CHECK_SYS(setpriority(PRIO_PROCESS, (id_t)thread_tid(), 11));
	thread_up = 1;
	while (!thread_go)
		checkpoint_nap();
	CHECK_INT(sched_getscheduler(0), SCHED_BATCH);
	CHECK_INT(getpriority(PRIO_PROCESS, (id_t)thread_tid()), 11);
	return arg;
}

static void realtime(int number)
{
	struct sched_param param = {.sched_priority = 7};
	bool able = sched_setscheduler(0, SCHED_FIFO, &param) == 0;

	peer_up(number);
	checkpoint_wait_go();
	if (!able)
		return;
	CHECK_INT(sched_getscheduler(0), SCHED_FIFO);
	CHECK_SYS(sched_getparam(0, &param));
	CHECK_INT(param.sched_priority, 7);
}

int main(void)
{
	pthread_t thread = thread_start(batch, NULL);
	pid_t pid = child_start(realtime, 0);
	uint64_t before;

	CHECK_SYS(setpriority(PRIO_PROCESS, 0, 5));
	slice_wish(7000000);
	before = slice();
	while (!thread_up)
		checkpoint_nap();
	peers_wait(1);
	checkpoint_here();
	CHECK_INT(getpriority(PRIO_PROCESS, 0), 5);
	CHECK_INT(sched_getscheduler(0), SCHED_OTHER);
	CHECK_INT(slice(), before);
	thread_go = 1;
	thread_join(thread);
	child_join(pid);
	checkpoint_ok();
}
