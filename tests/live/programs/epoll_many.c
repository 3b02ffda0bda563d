/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Epoll sets over many pipes, shared over fork, report each one. */
#include "checkpoint.h"
#include <sys/epoll.h>

#define COUNT 50

static int set, ends[COUNT][2];

static void child(int number)
{
	struct epoll_event got[COUNT];

	peer_up(number);
	checkpoint_wait_go();
	for (int i = 0; i < COUNT; i += 7)
		CHECK_INT(write(ends[i][1], "x", 1), 1);
	CHECK_INT(epoll_wait(set, got, COUNT, 1000), (COUNT + 6) / 7);
	for (int i = 0; i < (COUNT + 6) / 7; i++)
		CHECK_INT(got[i].data.u32 % 7, 0);
}

int main(void)
{
	pid_t pid;

	set = (int)CHECK_SYS(epoll_create1(0));
	for (int i = 0; i < COUNT; i++) {
		struct epoll_event event = {
			.events = EPOLLIN, .data.u32 = (uint32_t)i};

		CHECK_SYS(pipe(ends[i]));
		CHECK_SYS(epoll_ctl(set, EPOLL_CTL_ADD, ends[i][0], &event));
	}
	pid = child_start(child, 0);
	peers_wait(1);
	checkpoint_here();
	child_join(pid);
	checkpoint_ok();
}
