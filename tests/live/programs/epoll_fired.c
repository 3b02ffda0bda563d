/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an epoll set has told once (EPOLLONESHOT) it does not tell again, not
 * even that the other side has ended, until it is asked anew. */
#include "checkpoint.h"
#include <sys/epoll.h>

int main(void)
{
	int set = (int)CHECK_SYS(epoll_create1(EPOLL_CLOEXEC));
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLONESHOT, .data.u64 = 42};
	struct epoll_event got[4];
	int ends[2], other[2];

	CHECK_SYS(pipe(ends));
	CHECK_SYS(pipe(other));
	CHECK_SYS(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event));
	CHECK_INT(write(ends[1], "x", 1), 1);
	CHECK_INT(epoll_wait(set, got, 4, 0), 1);
	CHECK_SYS(close(ends[1]));
	CHECK_INT(epoll_wait(set, got, 4, 0), 0);
	/* The next one still waits. */
	event.data.u64 = 43;
	CHECK_SYS(epoll_ctl(set, EPOLL_CTL_ADD, other[0], &event));
	CHECK_INT(write(other[1], "x", 1), 1);
	checkpoint_here();
	CHECK_INT(epoll_wait(set, got, 4, 0), 1);
	CHECK_INT(got[0].data.u64, 43);
	CHECK_INT(epoll_wait(set, got, 4, 0), 0);
	event.data.u64 = 44;
	CHECK_SYS(epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &event));
	CHECK_INT(epoll_wait(set, got, 4, 1000), 1);
	CHECK_INT(got[0].data.u64, 44);
	CHECK(got[0].events & EPOLLHUP);
	checkpoint_ok();
}
