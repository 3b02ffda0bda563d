/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a task maps after mlockall(MCL_FUTURE) is locked as before. */
#include "checkpoint.h"

#define LEN (16 * PAGE)

/* Of a new mapping: locked, and there before it is touched? */
static int future_ask(void)
{
	char *map = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	bool kept, there;
	unsigned char seen[16];

	CHECK_SYS(mincore(map, LEN, seen));
	there = seen[0] & 1;
	kept = madvise(map, LEN, MADV_DONTNEED) != 0;
	CHECK_SYS(munmap(map, LEN));
	return there + 2 * kept;
}

static void child(int number)
{
	CHECK_SYS(mlockall(MCL_FUTURE | MCL_ONFAULT));
	CHECK_INT(future_ask(), 2);
	peer_up(number);
	checkpoint_wait_go();
	CHECK_INT(future_ask(), 2);
}

int main(void)
{
	pid_t pid = child_start(child, 0);

	CHECK_INT(future_ask(), 0);
	CHECK_SYS(mlockall(MCL_FUTURE));
	CHECK_INT(future_ask(), 3);
	peers_wait(1);
	checkpoint_here();
	CHECK_INT(future_ask(), 3);
	child_join(pid);
	checkpoint_ok();
}
