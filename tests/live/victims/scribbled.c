/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many threads that wait, and (with "at PID") a process of the same user that
 * writes an endless loop over the code of an agent in them.
 */
#include "checkpoint.h"

#define THREADS 48

static pthread_barrier_t start;
static int ends[2];

static void *waiter(void *arg)
{
	char byte;

	pthread_barrier_wait(&start);
	CHECK_INT(read(ends[0], &byte, 1), 1);
	return arg;
}

/* Code that has no name and no file: the victim has none of its own. */
static uint64_t agent_find(pid_t pid, uint64_t *size)
{
	char path[64], line[512], prot[8];
	unsigned long low, high, offset, inode;
	uint64_t at = 0;
	int name = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "r");
	while (maps && !at && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %7s %lx %*s %lu %n", &low, &high,
			    prot, &offset, &inode, &name) == 5 &&
			!strcmp(prot, "r-xp") && !inode && !line[name]) {
			at = low;
			*size = high - low;
		}
	if (maps)
		fclose(maps);
	return at;
}

static int scribble(pid_t pid)
{
#if defined(__x86_64__)
	static const uint16_t loop = 0xfeeb;
#elif defined(__aarch64__)
	static const uint32_t loop = 0x14000000;
#else
	static const uint32_t loop = 0x48000000;
#endif
	static char code[65536];
	uint64_t at, size;
	char path[64];
	int mem;

	for (size_t i = 0; i < sizeof(code); i += sizeof(loop))
		memcpy(code + i, &loop, sizeof(loop));
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDWR);
	CHECK(mem >= 0);
	while (!(at = agent_find(pid, &size)))
		;
	CHECK(pwrite(mem, code, sizeof(code), (off_t)at) > 0);
	peer_up(1);
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	if (argc == 3)
		return scribble(atoi(argv[2]));
	pthread_barrier_init(&start, NULL, THREADS + 1);
	CHECK_INT(pipe(ends), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, waiter, NULL);
	pthread_barrier_wait(&start);
	checkpoint_here();
	for (int i = 0; i < THREADS; i++)
		CHECK_INT(write(ends[1], "q", 1), 1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	checkpoint_ok();
}
