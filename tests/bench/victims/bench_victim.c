/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench_victim: a process tree of a chosen shape that then only waits.
 *
 *	bench_victim small | memory MIB | shared MIB | sharers MIB | threads N |
 *		processes N | vmas N | answer MIB
 *
 * The file named by $BENCH_READY is created when all of it is there. "answer"
 * looks at a page of its memory whenever it is sent SIGUSR1, and creates it
 * again.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void wait_for_ever(void)
{
	for (;;)
		pause();
}

static void *idle(void *arg)
{
	wait_for_ever();
	return arg;
}

static char *memory_map(size_t len, int flags)
{
	char *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
		flags | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		fail("mmap");
	return mem;
}

/* Random, so that nothing of it is stored once for many. */
static void *memory_make(size_t mib, int flags)
{
	size_t len = mib << 20;
	uint64_t *word = (uint64_t *)memory_map(len, flags), x;

	if (getrandom(&x, sizeof(x), 0) != sizeof(x))
		fail("getrandom");
	for (size_t i = 0; i < len / sizeof(*word); i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		word[i] = x;
	}
	return word;
}

static void threads_make(size_t count)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 65536);
	for (size_t i = 1; i < count; i++)
		if (pthread_create(&thread, &attributes, idle, NULL))
			fail("pthread_create");
}

static void processes_make(size_t count)
{
	for (size_t i = 1; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork");
		if (pid == 0)
			wait_for_ever();
	}
}

/* A parent and 16 children that have what was there before the fork still in
 * common, copy-on-write. */
static void sharers_make(size_t mib)
{
	memory_make(mib, MAP_PRIVATE);
	processes_make(17);
}

/* Every other page has another protection; each one holds a word. */
static void vmas_make(size_t count)
{
	char *mem = memory_map(count * 4096, MAP_PRIVATE);

	for (size_t i = 0; i < count; i++) {
		memcpy(mem + i * 4096, &i, sizeof(i));
		if (i % 2 && mprotect(mem + i * 4096, 4096, PROT_READ) < 0)
			fail("mprotect");
	}
}

static void file_create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		fail(path);
	close(fd);
}

static void answer(size_t mib, const char *ready)
{
	volatile uint64_t *word = (uint64_t *)memory_make(mib, MAP_PRIVATE);
	sigset_t wanted;
	int sig;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGUSR1);
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	for (;;) {
		file_create(ready);
		if (sigwait(&wanted, &sig) || !word[mib * 1000])
			fail("a page of random words");
	}
}

int main(int argc, char **argv)
{
	const char *ready = getenv("BENCH_READY");
	size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	if (argc > 1 && strcmp(argv[1], "memory") == 0)
		memory_make(count, MAP_PRIVATE);
	else if (argc > 1 && strcmp(argv[1], "shared") == 0)
		memory_make(count, MAP_SHARED);
	else if (argc > 1 && strcmp(argv[1], "sharers") == 0)
		sharers_make(count);
	else if (argc > 1 && strcmp(argv[1], "threads") == 0)
		threads_make(count);
	else if (argc > 1 && strcmp(argv[1], "processes") == 0)
		processes_make(count);
	else if (argc > 1 && strcmp(argv[1], "vmas") == 0)
		vmas_make(count);
	else if (argc > 1 && strcmp(argv[1], "answer") == 0)
		answer(count, ready);
	if (ready)
		file_create(ready);
	wait_for_ever();
}
