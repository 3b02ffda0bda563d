/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An epoll set goes on to watch files whose numbers were closed or reused. */
#include "checkpoint.h"
#include <sys/epoll.h>

static int alone, common, only_childs[2], only_mine[2];

static void target_add(int set, int fd, uint64_t data)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = data};

	CHECK_SYS(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
}

static void wait_check(int set, uint64_t data)
{
	struct epoll_event got[4];

	CHECK_INT(epoll_wait(set, got, 4, 5000), 1);
	CHECK_INT(got[0].data.u64, data);
}

/* Has one set alone, and a file of the common one that nobody else has. */
static void child(int number)
{
	CHECK_SYS(close(only_mine[0]));
	CHECK_SYS(close(only_mine[1]));
	peer_up(number);
	checkpoint_wait_go();
	wait_check(alone, 7);
}

int main(void)
{
	int free_now[2], used[2], second[2], kept, set;
	struct epoll_event event = {.events = EPOLLIN};
	pid_t pid;

	set = (int)CHECK_SYS(epoll_create1(0));
	common = (int)CHECK_SYS(epoll_create1(0));
	alone = (int)CHECK_SYS(epoll_create1(0));
	CHECK_SYS(pipe(free_now));
	CHECK_SYS(pipe(used));
	CHECK_SYS(pipe(second));
	CHECK_SYS(pipe(only_childs));
	CHECK_SYS(pipe(only_mine));
	target_add(set, free_now[0], 1);
	target_add(set, used[0], 2);
	target_add(common, only_childs[0], 3);
	target_add(alone, only_mine[0], 7);
	CHECK_SYS(fcntl(free_now[0], F_DUPFD, 50));
	CHECK_SYS(close(free_now[0]));
	kept = (int)CHECK_SYS(fcntl(used[0], F_DUPFD, 60));
	CHECK_INT(dup2(second[0], used[0]), used[0]);
	target_add(set, used[0], 4);
	pid = child_start(child, 0);
	CHECK_SYS(close(only_childs[0]));
	CHECK_SYS(close(alone));
	peers_wait(1);
	checkpoint_here();
	CHECK_INT(write(only_mine[1], "x", 1), 1);
	child_join(pid);
	CHECK_INT(write(free_now[1], "x", 1), 1);
	wait_check(set, 1);
	CHECK_INT(read(50, &(char){0}, 1), 1);
	CHECK_INT(write(used[1], "x", 1), 1);
	wait_check(set, 2);
	CHECK_INT(read(kept, &(char){0}, 1), 1);
	CHECK_INT(write(second[1], "x", 1), 1);
	wait_check(set, 4);
	/* Known under the number that it was added under, and no other. */
	CHECK(epoll_ctl(set, EPOLL_CTL_DEL, kept, &event) < 0);
	CHECK_INT(errno, ENOENT);
	CHECK_INT(dup2(kept, used[0]), used[0]);
	CHECK_SYS(epoll_ctl(set, EPOLL_CTL_DEL, used[0], &event));
	checkpoint_ok();
}
