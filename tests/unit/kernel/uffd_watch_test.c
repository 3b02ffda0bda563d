/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/uffd_watch.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/features.h"
#include "kernel/pagemap.h"
#include "test.h"

enum { PAGES = 8 };

static bool can_watch(void)
{
	struct kernel_features features = {0};

	return features_have(&features, FEATURE_PAGEMAP_SCAN) &&
	       features_have(&features, FEATURE_UFFD_WP_ASYNC);
}

static int uffd_make(void)
{
	struct err err = {0};
	int fd = (int)syscall(SYS_userfaultfd, UFFD_CREATE_FLAGS);

	CHECK(fd >= 0);
	CHECK_INT(uffd_begin(fd, &err), 0);
	return fd;
}

/* Bit i: page i is there and was written; and those that are there. */
static uint32_t written(const char *at, uint32_t *ret_there)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	_cleanup_pagemap_ struct pagemap pagemap = PAGEMAP_CLOSED;
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	struct pagemap_regions regions = {0};
	uint64_t start = (uintptr_t)at;
	uint32_t bits = 0, there = 0;
	struct err err = {0};

	CHECK_INT(proc_open(getpid(), &proc, &err), 0);
	CHECK_INT(pagemap_open(&proc, &pagemap, &err), 0);
	CHECK_INT(pagemap_scan(arena, &pagemap, start, start + PAGES * page,
			  &regions, &err),
		0);
	for (size_t i = 0; i < regions.n; i++)
		for (uint64_t p = regions.at[i].start; p < regions.at[i].end;
			p += page) {
			there |= 1u << ((p - start) / page);
			if (regions.at[i].flags & PAGEMAP_WRITTEN)
				bits |= 1u << ((p - start) / page);
		}
	*ret_there = there;
	return bits;
}

TEST(pages_that_were_written_since_are_told)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t start;
	uint32_t there;
	char *at;
	int fd;

	if (!can_watch())
		return;
	fd = uffd_make();
	at = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	start = (uintptr_t)at;
	for (int i = 0; i < 4; i++)
		at[(size_t)i * page] = 1;
	CHECK_INT(uffd_watch(fd, start, start + PAGES * page), 0);
	CHECK_INT(uffd_watch(fd, start, start + PAGES * page), 0);
	CHECK_INT(uffd_protect(fd, start, start + 4 * page), 0);
	CHECK_INT(written(at, &there), 0);
	CHECK_INT(there, 0xf);
	at[page] = 2;
	at[6 * page] = 2;
	CHECK_INT(written(at, &there), 0x42);
	CHECK_INT(there, 0x4f);
	madvise(at + 2 * page, page, MADV_DONTNEED);
	at[2 * page] = 3;
	CHECK_INT(written(at, &there), 0x46);
	CHECK_INT(uffd_protect(fd, start + page, start + 3 * page), 0);
	CHECK_INT(written(at, &there), 0x40);
	close(fd);
	/* Without it nothing is known. */
	CHECK_INT(written(at, &there), 0x4f);
	munmap(at, PAGES * page);
}

TEST(who_watches_already_keeps_others_out_and_moved_memory_is_watched_no_more)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t start;
	uint32_t there;
	char *at, *to;
	int fd, other;

	if (!can_watch())
		return;
	fd = uffd_make();
	other = uffd_make();
	at = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	to = mmap(NULL, PAGES * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);
	start = (uintptr_t)at;
	at[0] = 1;
	CHECK_INT(uffd_watch(fd, start, start + PAGES * page), 0);
	CHECK_INT(uffd_protect(fd, start, start + page), 0);
	CHECK_INT(uffd_watch(other, start, start + PAGES * page), -EBUSY);
	to = mremap(at, PAGES * page, PAGES * page,
		MREMAP_MAYMOVE | MREMAP_FIXED, to);
	REQUIRE(to != MAP_FAILED);
	start = (uintptr_t)to;
	CHECK_INT(uffd_watch(other, start, start + PAGES * page), 0);
	CHECK_INT(written(to, &there), 1);
	close(fd);
	close(other);
	munmap(to, PAGES * page);
}
