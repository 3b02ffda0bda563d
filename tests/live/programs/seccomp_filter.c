/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A chain of seccomp filters, partly shared with a child, still filters. */
#include "checkpoint.h"
#include <linux/filter.h>
#include <linux/seccomp.h>

static void filter_add(unsigned int nr, unsigned int error)
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
	CHECK_SYS(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static void filters_verify(int first, int second, int third)
{
	errno = 0;
	syscall(SYS_getpgid, 0);
	CHECK_INT(errno, first);
	errno = 0;
	syscall(SYS_getsid, 0);
	CHECK_INT(errno, second);
	errno = 0;
	syscall(SYS_sched_yield);
	CHECK_INT(errno, third);
}

static void child(int number)
{
	filter_add(SYS_sched_yield, ENOTTY);
	filters_verify(EDOM, 0, ENOTTY);
	peer_up(number);
	checkpoint_wait_go();
	filters_verify(EDOM, 0, ENOTTY);
	CHECK_INT(prctl(PR_GET_SECCOMP), SECCOMP_MODE_FILTER);
}

int main(void)
{
	pid_t pid;

	filter_add(SYS_getpgid, EDOM);
	pid = child_start(child, 0);
	filter_add(SYS_getsid, EXDEV);
	filters_verify(EDOM, EXDEV, 0);
	peers_wait(1);
	checkpoint_here();
	filters_verify(EDOM, EXDEV, 0);
	child_join(pid);
	checkpoint_ok();
}
