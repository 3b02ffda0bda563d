/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is forked, moved, cut out and given back is right at once and later. */
#include "checkpoint.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { PAGES = 96, READERS = 4 };

static size_t page;
static char *memory[8];

/* Of the area that was memory[n], its page i. */
static void page_verify(const char *at, unsigned n, unsigned i)
{
	mem_verify((char *)at, page, n * 1000 + i, "page");
}

static void area_make(unsigned n)
{
	memory[n] = mem_map(PAGES * page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS);
	for (unsigned i = 0; i < PAGES; i++)
		mem_fill(memory[n] + i * page, page, n * 1000 + i);
}

static void area_verify(const char *at, unsigned n)
{
	for (unsigned i = 0; i < PAGES; i++)
		page_verify(at + i * page, n, i);
}

static void zeros_verify(const char *at, size_t size)
{
	for (size_t i = 0; i < size; i += 64)
		CHECK_INT(at[i], 0);
}

static void child_await(pid_t child)
{
	int status = -1;

	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK_INT(status, 0);
}

/* A child, and its child, see what there was when they were forked. */
static void forks_verify(void)
{
	pid_t child = fork(), grandchild;

	if (!child) {
		memory[0][5 * page] ^= 1;
		grandchild = fork();
		if (!grandchild) {
			memory[0][5 * page] ^= 1;
			area_verify(memory[0], 0);
			_exit(0);
		}
		child_await(grandchild);
		memory[0][5 * page] ^= 1;
		area_verify(memory[0], 0);
		area_verify(memory[1], 1);
		_exit(0);
	}
	child_await(child);
	area_verify(memory[0], 0);
}

static void moves_verify(void)
{
	char *room = mem_map(
		4 * PAGES * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);
	char *moved = mremap(memory[1], PAGES * page, 2 * PAGES * page,
		MREMAP_MAYMOVE | MREMAP_FIXED, room);
	char *part;

	CHECK(moved == room);
	part = mremap(moved + 10 * page, 20 * page, 20 * page,
		MREMAP_MAYMOVE | MREMAP_FIXED, room + 3 * PAGES * page);
	CHECK(part == room + 3 * PAGES * page);
	for (unsigned i = 0; i < 20; i++)
		page_verify(part + i * page, 1, 10 + i);
	for (unsigned i = 0; i < PAGES; i++)
		if (i < 10 || i >= 30)
			page_verify(moved + i * page, 1, i);
	zeros_verify(moved + PAGES * page, PAGES * page);
}

static void gifts_verify(void)
{
	CHECK_SYS(madvise(memory[2] + 8 * page, 16 * page, MADV_DONTNEED));
	zeros_verify(memory[2] + 8 * page, 16 * page);
	for (unsigned i = 0; i < PAGES; i++)
		if (i < 8 || i >= 24)
			page_verify(memory[2] + i * page, 2, i);
	CHECK_SYS(munmap(memory[3] + 4 * page, 8 * page));
	CHECK(mmap(memory[3] + 4 * page, 8 * page, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		      0) == memory[3] + 4 * page);
	zeros_verify(memory[3] + 4 * page, 8 * page);
	for (unsigned i = 0; i < PAGES; i++)
		if (i < 4 || i >= 12)
			page_verify(memory[3] + i * page, 3, i);
}

static void protections_verify(void)
{
	for (unsigned i = 0; i < PAGES; i += 2)
		CHECK_SYS(mprotect(memory[4] + i * page, page, PROT_READ));
	area_verify(memory[4], 4);
	CHECK_SYS(mprotect(memory[4], PAGES * page, PROT_READ | PROT_WRITE));
	mem_fill(memory[4] + page, page, 4001);
	area_verify(memory[4], 4);
}

static void *reader_run(void *arg)
{
	for (unsigned i = 0; i < PAGES; i++)
		page_verify(memory[5] + i * page, 5, i);
	return arg;
}

static void threads_verify(void)
{
	pthread_t threads[READERS];

	for (unsigned i = 0; i < READERS; i++)
		CHECK_INT(
			pthread_create(&threads[i], NULL, reader_run, NULL), 0);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
}

/* The kernel touches pages for us. */
static void kernel_verify(void)
{
	char *copy = malloc(page);
	int ends[2];

	CHECK_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	for (unsigned i = 0; i < PAGES; i++) {
		CHECK_INT(send(ends[0], memory[6] + i * page, page, 0),
			(ssize_t)page);
		CHECK_INT(
			recv(ends[1], copy, page, MSG_WAITALL), (ssize_t)page);
		page_verify(copy, 6, i);
	}
}

int main(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	for (unsigned n = 0; n < 8; n++)
		area_make(n);
	checkpoint_here();
	forks_verify();
	moves_verify();
	gifts_verify();
	protections_verify();
	threads_verify();
	kernel_verify();
	area_verify(memory[7], 7);
	checkpoint_ok();
}
