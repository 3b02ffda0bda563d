/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A signalfd keeps its mask and gives signals that waited all along. */
#include <sys/signalfd.h>

#include "checkpoint.h"

int main(void)
{
	struct signalfd_siginfo got;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 3);
	CHECK_SYS(sigprocmask(SIG_BLOCK, &set, NULL));
	fd = (int)CHECK_SYS(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
	CHECK_SYS(kill(getpid(), SIGUSR1));
	checkpoint_here();
	CHECK_INT(read(fd, &got, sizeof(got)), sizeof(got));
	CHECK_INT(got.ssi_signo, SIGUSR1);
	CHECK(read(fd, &got, sizeof(got)) < 0 && errno == EAGAIN);
	CHECK_SYS(kill(getpid(), SIGRTMIN + 3));
	CHECK_INT(read(fd, &got, sizeof(got)), sizeof(got));
	CHECK_INT(got.ssi_signo, SIGRTMIN + 3);
	CHECK_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
	checkpoint_ok();
}
