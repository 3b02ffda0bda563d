/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory shared copy-on-write over fork is still shared after restore. */
#include "checkpoint.h"

#define LEN (32u << 20)
#define OWN (1u << 20)
#define CHILDREN 3

static char *area;

static void child(int number)
{
	mem_fill(area + OWN * number, OWN, 200 + (uint64_t)number);
	peer_up(number);
	checkpoint_wait_go();
	for (int i = 0; i < CHILDREN; i++) {
		const uint64_t *word = (uint64_t *)(area + OWN * i);

		if (i == number)
			mem_verify(word, OWN, 200 + (uint64_t)i, "own");
		else
			CHECK_INT(word[9], mem_word(130, OWN / 8 * i + 9));
	}
	CHECK_INT(*(uint64_t *)(area + LEN - 8), mem_word(130, LEN / 8 - 1));
	peer_up(CHILDREN + number);
	checkpoint_wait("done");
}

static long pss_kb(pid_t pid)
{
	char path[64], line[128];
	long kb = 0;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	file_line(path, "Pss:", line, sizeof(line));
	sscanf(line, "Pss: %ld", &kb);
	return kb;
}

int main(void)
{
	long before = 0, after = 0;
	pid_t pids[CHILDREN];

	area = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	mem_fill(area, LEN, 130);
	for (int i = 0; i < CHILDREN; i++)
		pids[i] = child_start(child, i);
	peers_wait(CHILDREN);
	for (int i = 0; i < CHILDREN; i++)
		before += pss_kb(pids[i]);
	checkpoint_here();
	peers_wait(2 * CHILDREN);
	for (int i = 0; i < CHILDREN; i++)
		after += pss_kb(pids[i]);
	mem_verify(area, LEN, 130, "the parent's");
	if (after > before + before / 4)
		FAIL("the children hold %ld kB, not %ld kB", after, before);
	checkpoint_mark("done");
	for (int i = 0; i < CHILDREN; i++)
		child_join(pids[i]);
	checkpoint_ok();
}
