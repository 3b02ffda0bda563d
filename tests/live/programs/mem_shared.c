/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared anonymous memory stays one memory for parent and children. */
#include "checkpoint.h"

#define LEN (4u << 20)

static char *area;
static volatile uint64_t *word;

static void child(int number)
{
	if (number == 1)
		CHECK_SYS(munmap(area, LEN / 2));
	peer_up(number);
	checkpoint_wait_go();
	mem_verify(area + LEN / 2, LEN / 4, 21, "in the child");
	__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
	while (*word != 103)
		checkpoint_nap();
}

int main(void)
{
	pid_t pids[2];
	char *alone;

	area = mem_map(LEN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	alone = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	mem_fill(area, LEN / 4, 20);
	mem_fill(area + LEN / 2, LEN / 4, 21);
	mem_fill(alone, LEN, 22);
	word = (uint64_t *)(area + LEN - 64);
	*word = 100;
	pids[0] = child_start(child, 0);
	pids[1] = child_start(child, 1);
	peers_wait(2);
	checkpoint_here();
	mem_verify(area, LEN / 4, 20, "first quarter");
	mem_verify(alone, LEN, 22, "alone");
	CHECK_INT(area[LEN / 4 + 5], 0);
	__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
	child_join(pids[0]);
	child_join(pids[1]);
	CHECK_INT(*word, 103);
	checkpoint_ok();
}
