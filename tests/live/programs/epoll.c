/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An epoll set keeps its targets, events and data. */
#include "checkpoint.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

static void target_add(int set, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = {.events = events, .data.u64 = data};

	CHECK_SYS(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
}

/* Number, events and data of every target, without its inode's number. */
static void targets_read(int set, char *ret, size_t room)
{
	char path[64], text[4096];
	size_t len = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", set);
	file_read(path, text, sizeof(text));
	ret[0] = '\0';
	for (char *at = text; (at = strstr(at, "tfd:")); at++) {
		int line = (int)strcspn(at, "\n");
		char *end = strstr(at, "pos:");

		if (end && end - at < line)
			line = (int)(end - at);
		len += (size_t)snprintf(
			ret + len, room - len, "%.*s\n", line, at);
	}
}

int main(void)
{
	int set = (int)CHECK_SYS(epoll_create1(EPOLL_CLOEXEC));
	int outer = (int)CHECK_SYS(epoll_create1(0));
	int event = (int)CHECK_SYS(eventfd(0, 0)), ends[2];
	char before[1024], after[1024];
	struct epoll_event got[4];

	CHECK_SYS(pipe(ends));
	target_add(set, event, EPOLLIN | EPOLLET, 0x1122334455667788);
	target_add(set, ends[0], EPOLLIN | EPOLLONESHOT, 42);
	target_add(outer, set, EPOLLIN, 7);
	targets_read(set, before, sizeof(before));
	checkpoint_here();
	targets_read(set, after, sizeof(after));
	CHECK_INT(strlen(after), strlen(before));
	for (char *line = strtok(before, "\n"); line; line = strtok(NULL, "\n"))
		CHECK(strstr(after, line) != NULL);
	CHECK_INT(epoll_wait(set, got, 4, 0), 0);
	CHECK_SYS(eventfd_write(event, 1));
	CHECK_INT(epoll_wait(outer, got, 4, 1000), 1);
	CHECK_INT(got[0].data.u64, 7);
	CHECK_INT(epoll_wait(set, got, 4, 1000), 1);
	CHECK_INT(got[0].data.u64, 0x1122334455667788);
	CHECK_INT(epoll_wait(set, got, 4, 0), 0);
	CHECK_INT(write(ends[1], "x", 1), 1);
	CHECK_INT(epoll_wait(set, got, 4, 1000), 1);
	CHECK_INT(got[0].data.u64, 42);
	CHECK_INT(epoll_wait(set, got, 4, 0), 0);
	checkpoint_ok();
}
