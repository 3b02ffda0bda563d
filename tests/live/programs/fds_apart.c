/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many files that one task alone holds keep their numbers, ends and content,
 * between those of all */
#include "checkpoint.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { ROUNDS = 60, SORTS = 6, CHILDREN = 3 };

static int shared[2];

/* Sorts alternate, and numbers come from everywhere. */
struct round {
	int counter, twin, memory, again, ends[2];
};

static struct round rounds[ROUNDS];

static int placed(int fd, int number)
{
	CHECK_INT(fcntl(number, F_GETFD), -1);
	CHECK_INT(dup3(fd, number, number % 2 ? O_CLOEXEC : 0), number);
	close(fd);
	return number;
}

static void round_make(struct round *round, int i, int who)
{
	char name[32], link[64];
	int ends[2], base = 400 + (ROUNDS - i) * 9;

	snprintf(name, sizeof(name), "m%d-%d", who, i);
	CHECK_SYS(pipe(ends));
	round->ends[1] = placed(ends[1], base);
	round->ends[0] = placed(ends[0], base + 7);
	round->counter =
		placed((int)CHECK_SYS(eventfd(0, EFD_NONBLOCK)), base + 3);
	round->twin = placed(dup(round->counter), base + 2);
	round->memory = placed((int)CHECK_SYS(memfd_create(name, 0)), base + 5);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", round->memory);
	round->again = placed((int)CHECK_SYS(open(link, O_RDWR)), base + 1);
	CHECK_INT(write(round->ends[1], &i, sizeof(i)), sizeof(i));
	CHECK_INT(write(round->memory, &i, sizeof(i)), sizeof(i));
	CHECK_INT(eventfd_write(round->counter, (uint64_t)(who * 1000 + i + 1)),
		0);
}

static void round_check(const struct round *round, int i, int who)
{
	char name[64], link[64], wanted[64] = {0};
	uint64_t count = 0;
	int value = -1;

	CHECK_INT(eventfd_read(round->twin, &count), 0);
	CHECK_INT(count, who * 1000 + i + 1);
	CHECK_INT(read(round->ends[0], &value, sizeof(value)), sizeof(value));
	CHECK_INT(value, i);
	CHECK_INT(pread(round->again, &value, sizeof(value), 0), sizeof(value));
	CHECK_INT(value, i);
	value = -2;
	CHECK_INT(
		pwrite(round->again, &value, sizeof(value), 0), sizeof(value));
	CHECK_INT(
		pread(round->memory, &value, sizeof(value), 0), sizeof(value));
	CHECK_INT(value, -2);
	CHECK_INT(lseek(round->memory, 0, SEEK_CUR), sizeof(value));
	CHECK_INT(lseek(round->again, 0, SEEK_CUR), 0);
	snprintf(name, sizeof(name), "/memfd:m%d-%d (deleted)", who, i);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", round->memory);
	CHECK(readlink(link, wanted, sizeof(wanted) - 1) > 0);
	CHECK(!strcmp(wanted, name));
	close(round->ends[1]);
	CHECK_INT(read(round->ends[0], &value, sizeof(value)), 0);
}

/* Nothing is open that was not. */
static void count_check(void)
{
	int n = 0;

	for (int fd = 0; fd < 4096; fd++) {
		int flags = fcntl(fd, F_GETFD);

		n += flags >= 0;
		if (flags >= 0 && fd >= 400)
			CHECK_INT(flags, fd % 2 ? FD_CLOEXEC : 0);
	}
	CHECK_INT(n, 3 + 2 + SORTS * ROUNDS);
}

static void task_check(int who)
{
	uint64_t one = 1;

	count_check();
	for (int i = 0; i < ROUNDS; i++)
		round_check(&rounds[i], i, who);
	CHECK_INT(write(shared[1], &one, sizeof(one)), sizeof(one));
}

int main(void)
{
	uint64_t word;

	for (int fd = 3; fd < 400; fd++)
		close(fd);
	CHECK_SYS(pipe(shared));
	for (int who = 1; who <= CHILDREN; who++) {
		if (CHECK_SYS(fork()))
			continue;
		for (int i = 0; i < ROUNDS; i++)
			round_make(&rounds[i], i, who);
		peer_up(who - 1);
		checkpoint_wait_go();
		task_check(who);
		_exit(0);
	}
	for (int i = 0; i < ROUNDS; i++)
		round_make(&rounds[i], i, 0);
	peers_wait(CHILDREN);
	checkpoint_here();
	task_check(0);
	for (int who = 0; who <= CHILDREN; who++)
		CHECK_INT(read(shared[0], &word, sizeof(word)), sizeof(word));
	checkpoint_ok();
}
