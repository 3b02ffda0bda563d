/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A task in strict seccomp mode stays in it. */
#include "checkpoint.h"
#include <linux/seccomp.h>

static volatile int *stop;

/* Only read, write, exit and rt_sigreturn are left to it. */
static void child(int number)
{
	peer_up(number);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) < 0)
		_exit(1);
	while (!*stop)
		;
	syscall(SYS_exit, 0);
}

int main(void)
{
	char path[64], line[64];
	pid_t pid;

	stop = mem_map(
		4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	pid = child_start(child, 0);
	peers_wait(1);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	do {
		checkpoint_nap();
		file_line(path, "Seccomp:", line, sizeof(line));
	} while (line[9] != '1');
	checkpoint_here();
	file_line(path, "Seccomp:", line, sizeof(line));
	CHECK_STR(line, "Seccomp:\t1");
	*stop = 1;
	child_join(pid);
	checkpoint_ok();
}
