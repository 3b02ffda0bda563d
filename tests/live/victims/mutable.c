/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mutable FILE: changes its memory when FILE says so, in all ways that there
 * are, and looks at all of it when FILE says so. FILE: struct board. A child
 * does the same with what it inherited.
 */
#include "checkpoint.h"
#include <sys/prctl.h>

enum { PLAIN, MOVED, FRESH, DROPPED, HUGE, FILED, SHARED, MEMFD, AREAS };
enum { PAGES = 1024, PROCS = 3, PAGE_MAX = 65536 };

struct board {
	_Atomic uint32_t wish;	      /* a step, or LOOK */
	_Atomic uint32_t done[PROCS]; /* the last one that was done */
	_Atomic uint32_t procs;
	char fault[256];
	uint32_t stamps[PROCS][AREAS][PAGES]; /* what was last written where */
};
enum { LOOK = 1u << 31 };

static struct board *board;
static char *areas[AREAS];
static int memfd, self;
static uint32_t seed;
static size_t page;

static uint32_t next(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

/* Who has it alone has stamps of his own; shared memory has the root's. */
static uint32_t *stamp_at(int area, int n)
{
	int owner = area == SHARED || area == MEMFD ? 0 : self;

	return &board->stamps[owner][area][n];
}

static void page_fill(uint64_t *to, uint32_t stamp, int area, int n)
{
	for (size_t i = 0; i < page / 8; i++)
		to[i] = stamp ? (uint64_t)stamp << 32 ^ (uint64_t)area << 28 ^
					(uint64_t)n * 512 ^ i
			      : 0;
}

static void page_write(int area, int n, uint32_t stamp)
{
	uint64_t room[PAGE_MAX / 8];

	page_fill(room, stamp, area, n);
	if (area == MEMFD)
		CHECK(pwrite(memfd, room, page, (off_t)n * (off_t)page) ==
			(ssize_t)page);
	else
		memcpy(areas[area] + (size_t)n * page, room, page);
	*stamp_at(area, n) = stamp;
}

static void some_write(int area, uint32_t stamp, int n)
{
	while (n--)
		page_write(area, (int)(next() % PAGES), stamp);
}

static void *area_map(int area, int flags, int fd)
{
	areas[area] =
		mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, flags, fd, 0);
	CHECK(areas[area] != MAP_FAILED);
	return areas[area];
}

static void area_move(void)
{
	char *to = mmap(NULL, 2 * PAGES * page, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	to = mremap(areas[MOVED], PAGES * page, PAGES * page,
		MREMAP_MAYMOVE | MREMAP_FIXED, to);
	CHECK(to != MAP_FAILED);
	areas[MOVED] = to;
}

/* Other memory at the same place. */
static void area_renew(uint32_t stamp)
{
	munmap(areas[FRESH], PAGES * page);
	CHECK(mmap(areas[FRESH], PAGES * page, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		      0) == areas[FRESH]);
	for (int n = 0; n < PAGES; n++)
		*stamp_at(FRESH, n) = 0;
	some_write(FRESH, stamp, 64);
}

static void area_drop(uint32_t stamp)
{
	int from = (int)(next() % (PAGES / 2));

	madvise(areas[DROPPED] + (size_t)from * page, PAGES / 4 * page,
		MADV_DONTNEED);
	for (int n = from; n < from + PAGES / 4; n++)
		*stamp_at(DROPPED, n) = 0;
	some_write(DROPPED, stamp, 16);
}

static int mutate(void);

static void child_make(void)
{
	int place = (int)board->procs;

	if (place == PROCS || self)
		return;
	memcpy(board->stamps[place], board->stamps[self],
		sizeof(board->stamps[self]));
	board->procs++;
	if (fork())
		return;
	self = place;
	seed += 77;
	board->done[self] = board->done[0];
	_exit(mutate());
}

/* On the third step a new process; the first of all have all areas. */
static void step(uint32_t stamp)
{
	some_write(PLAIN, stamp, 24);
	some_write(HUGE, stamp, 24);
	some_write(FILED, stamp, 8);
	some_write(MOVED, stamp, 8);
	if (!self) {
		some_write(SHARED, stamp, 24);
		some_write(MEMFD, stamp, 24);
	}
	area_move();
	some_write(MOVED, stamp, 8);
	area_renew(stamp);
	area_drop(stamp);
	mprotect(areas[PLAIN], PAGES / 2 * page, PROT_NONE);
	if (stamp == 1 || stamp == 3)
		child_make();
	board->done[self] = stamp;
}

static void area_look(int area)
{
	uint64_t wanted[PAGE_MAX / 8], got[PAGE_MAX / 8];

	for (int n = 0; n < PAGES; n++) {
		page_fill(wanted, *stamp_at(area, n), area, n);
		if (area == MEMFD)
			pread(memfd, got, page, (off_t)n * (off_t)page);
		else
			memcpy(got, areas[area] + (size_t)n * page, page);
		if (memcmp(got, wanted, page) && !board->fault[0])
			snprintf(board->fault, sizeof(board->fault),
				"process %d, area %d, page %d: it has %llx, "
				"stamp %u was written",
				self, area, n, (unsigned long long)got[0],
				*stamp_at(area, n));
	}
}

static int mutate(void)
{
	for (;;) {
		uint32_t wish = board->wish;

		if (wish == board->done[self]) {
			usleep(2000);
			continue;
		}
		mprotect(areas[PLAIN], PAGES * page, PROT_READ | PROT_WRITE);
		if (wish & LOOK) {
			for (int area = 0; area < AREAS; area++)
				area_look(area);
			board->done[self] = wish;
		} else {
			step(wish);
		}
	}
	return 0;
}

static int file_make(const char *beside)
{
	char path[4096];
	uint64_t room[PAGE_MAX / 8];
	int fd;

	snprintf(path, sizeof(path), "%s.data", beside);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	for (int n = 0; n < PAGES; n++) {
		page_fill(room, 1000, FILED, n);
		CHECK(write(fd, room, page) == (ssize_t)page);
		*stamp_at(FILED, n) = 1000;
	}
	return fd;
}

int main(int argc, char **argv)
{
	int fd;

	(void)argc;
	page = (size_t)sysconf(_SC_PAGESIZE);
	fd = open(argv[1], O_RDWR);
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED,
		fd, 0);
	CHECK(board != MAP_FAILED);
	for (int area = PLAIN; area <= HUGE; area++)
		area_map(area, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	madvise(areas[HUGE], PAGES * page, MADV_HUGEPAGE);
	area_map(FILED, MAP_PRIVATE, file_make(argv[1]));
	area_map(SHARED, MAP_SHARED | MAP_ANONYMOUS, -1);
	memfd = memfd_create("mutable", 0);
	CHECK(!ftruncate(memfd, (off_t)(PAGES * page)));
	for (int area = 0; area < AREAS; area++)
		for (int n = 0; area != FILED && n < PAGES * 3 / 4; n++)
			page_write(area, n, 1001);
	board->procs = 1;
	return mutate();
}
