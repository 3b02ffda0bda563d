/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree that changes nothing by itself, so that any harm to it shows: blocked
 * and spinning threads, a child, pipes, and memory of several kinds. A byte in
 * the FIFO "gate" ends it with a verdict.
 */
#include "checkpoint.h"

#define LEN (2u << 20)

static int ends[2], down[2];
static volatile int spin_stop, spin_up;
static volatile uint64_t spin_kept;
static char *private, *shared, *hidden;

/* A read is restarted after a freeze and the task changes nothing; most other
 * calls would end with EINTR.
 */
static void byte_await(int fd)
{
	char byte = 0;

	CHECK_INT(read(fd, &byte, 1), 1);
	CHECK_INT(byte, 'q');
}

static void *reader(void *arg)
{
	byte_await(ends[0]);
	return arg;
}

/* Holds values in registers only, general and floating point. */
static void *spinner(void *arg)
{
	uint64_t a = mem_word(1, 1), b = mem_word(1, 2), c = mem_word(1, 3);
	double d = 1.0 / 3, e = 1.0 / 7;

	spin_up = 1;
	while (!spin_stop)
		__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c));
	spin_kept = a ^ b ^ c;
	CHECK(d == 1.0 / 3 && e == 1.0 / 7);
	return arg;
}

static void child(int number)
{
	mem_fill(private + LEN / 2, LEN / 4, 9);
	peer_up(number);
	byte_await(down[0]);
	mem_verify(private, LEN / 2, 1, "inherited");
	mem_verify(private + LEN / 2, LEN / 4, 9, "the child's own");
	mem_verify(shared, LEN, 2, "shared");
}

int main(void)
{
	pthread_t threads[3];
	char path[PATH_MAX];
	pid_t pid;
	int gate;

	CHECK_SYS(mkfifo(checkpoint_path(path, "gate"), 0666));
	gate = (int)CHECK_SYS(open(path, O_RDWR));
	private = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	shared = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
	hidden = mem_map(
		LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	mem_fill(private, LEN, 1);
	mem_fill(shared, LEN, 2);
	mem_fill(hidden, LEN, 3);
	CHECK_SYS(mprotect(hidden, LEN, PROT_NONE));
	CHECK_SYS(pipe(ends));
	CHECK_SYS(pipe(down));
	pid = child_start(child, 0);
	peers_wait(1);
	threads[0] = thread_start(reader, NULL);
	threads[1] = thread_start(reader, NULL);
	threads[2] = thread_start(spinner, NULL);
	while (!spin_up)
		checkpoint_nap();
	checkpoint_mark("ready");
	byte_await(gate);
	CHECK_INT(write(down[1], "q", 1), 1);
	child_join(pid);
	CHECK_INT(write(ends[1], "qq", 2), 2);
	spin_stop = 1;
	for (int i = 0; i < 3; i++)
		thread_join(threads[i]);
	CHECK_INT(spin_kept, mem_word(1, 1) ^ mem_word(1, 2) ^ mem_word(1, 3));
	CHECK_SYS(mprotect(hidden, LEN, PROT_READ));
	mem_verify(private, LEN, 1, "private");
	mem_verify(shared, LEN, 2, "shared");
	mem_verify(hidden, LEN, 3, "hidden");
	checkpoint_ok();
}
