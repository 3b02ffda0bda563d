/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that gets its own system calls as signals still gets them, and one
 * that has stopped to does not. */
#include "checkpoint.h"
#include <linux/prctl.h>
#include <sys/prctl.h>
#include <sys/utsname.h>

enum { ALLOW, BLOCK }; /* SYSCALL_DISPATCH_FILTER_ */

static volatile char selector;
static volatile int ready, go, caught;

static void on_call(int number, siginfo_t *info, void *context)
{
	(void)context;
	selector = ALLOW;
	CHECK_INT(number, SIGSYS);
	CHECK_INT(info->si_code, 2); /* SYS_USER_DISPATCH */
	caught = info->si_syscall;
}

/* No system call from the first store to the last one but ours. */
static void *body(void *arg)
{
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0,
		    &selector) < 0) {
		ready = -1;
		return arg;
	}
	selector = BLOCK;
	ready = 1;
	while (!go)
		;
	syscall(SYS_getppid);
	CHECK_INT(caught, SYS_getppid);
	CHECK_INT(syscall(SYS_getppid), getppid());
	return arg;
}

/* Since 6.4 it can be asked from outside. */
static bool kernel_tells(void)
{
	struct utsname name;
	int major = 0, minor = 0;

	uname(&name);
	sscanf(name.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 4);
}

int main(void)
{
	struct sigaction action = {
		.sa_sigaction = on_call, .sa_flags = SA_SIGINFO};
	pthread_t thread;

	if (!kernel_tells())
		checkpoint_skip("a kernel before 6.4 does not tell it");
	CHECK_SYS(sigaction(SIGSYS, &action, NULL));
	thread = thread_start(body, NULL);
	while (!ready)
		checkpoint_nap();
	if (ready < 0)
		checkpoint_skip("this machine cannot dispatch system calls");
	checkpoint_here();
	CHECK_INT(caught, 0);
	CHECK_INT(selector, BLOCK);
	go = 1;
	thread_join(thread);
	CHECK_INT(caught, SYS_getppid);
	checkpoint_ok();
}
