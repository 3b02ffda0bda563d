/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One seccomp filter over many threads (TSYNC), one thread has another. */
#include "checkpoint.h"
#include <linux/filter.h>
#include <linux/seccomp.h>

#define COUNT 8

static volatile int threads_up, threads_go, synced;

static void filter_add(unsigned int nr, unsigned int error, unsigned int flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {COUNT_OF(code), code};

	CHECK_SYS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK_INT(
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program),
		0);
}

static void *body(void *arg)
{
	long number = (long)arg;

	while (!synced)
		checkpoint_nap();
	if (number == 0)
		filter_add(SYS_getsid, EXDEV, 0);
	__sync_fetch_and_add(&threads_up, 1);
	while (!threads_go)
		checkpoint_nap();
	errno = 0;
	syscall(SYS_getpgid, 0);
	CHECK_INT(errno, EDOM);
	errno = 0;
	syscall(SYS_getsid, 0);
	CHECK_INT(errno, number == 0 ? EXDEV : 0);
	return arg;
}

int main(void)
{
	pthread_t threads[COUNT];

	for (long i = 0; i < COUNT; i++)
		threads[i] = thread_start(body, (void *)i);
	filter_add(SYS_getpgid, EDOM, SECCOMP_FILTER_FLAG_TSYNC);
	synced = 1;
	while (threads_up != COUNT)
		checkpoint_nap();
	checkpoint_here();
	threads_go = 1;
	for (int i = 0; i < COUNT; i++)
		thread_join(threads[i]);
	errno = 0;
	syscall(SYS_getpgid, 0);
	CHECK_INT(errno, EDOM);
	checkpoint_ok();
}
