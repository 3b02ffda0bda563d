/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nice value and scheduling class stay, per thread. */
#include "checkpoint.h"
#include <sys/resource.h>

static volatile int thread_up, thread_go;

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

	CHECK_SYS(setpriority(PRIO_PROCESS, 0, 5));
	while (!thread_up)
		checkpoint_nap();
	peers_wait(1);
	checkpoint_here();
	CHECK_INT(getpriority(PRIO_PROCESS, 0), 5);
	CHECK_INT(sched_getscheduler(0), SCHED_OTHER);
	thread_go = 1;
	thread_join(thread);
	child_join(pid);
	checkpoint_ok();
}
