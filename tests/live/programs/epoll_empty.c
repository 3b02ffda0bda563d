/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An epoll set without any target stays one that takes targets. */
#include "checkpoint.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

int main(void)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = 3};
	int set = (int)CHECK_SYS(epoll_create1(EPOLL_CLOEXEC));
	int fd;

	checkpoint_here();
	CHECK_INT(fcntl(set, F_GETFD), FD_CLOEXEC);
	CHECK_INT(epoll_wait(set, &event, 1, 0), 0);
	fd = (int)CHECK_SYS(eventfd(1, 0));
	CHECK_SYS(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
	CHECK_INT(epoll_wait(set, &event, 1, 1000), 1);
	CHECK_INT(event.data.u64, 3);
	checkpoint_ok();
}
